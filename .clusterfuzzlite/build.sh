#!/bin/bash -eu
# Called in the builder's image, with the cluster's OUT and SANITIZER.
cd "$SRC/qemufile"
bash ci/original
bash ci/fuzz/package "$OUT"
