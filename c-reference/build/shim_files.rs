//! The headers that are not kept as files of their own, and the list of all files of the shim that
//! the crate carries with it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::flags;

/// Headers of QEMU that migration code names and that carry nothing of their own here: what they
/// declare and this file may use stands in `qemu/osdep.h`.
const THIN: [&str; 76] = [
    "block/aio.h",
    "block/block.h",
    "block/qapi.h",
    "block.h",
    "channel.h",
    "channel-block.h",
    "cpu.h",
    "crypto/tlscreds.h",
    "disas/disas.h",
    "exec/cpu-common.h",
    "exec/memory.h",
    "exec/page-protection.h",
    "exec/ram_addr.h",
    "exec/ramblock.h",
    "exec/ramlist.h",
    "exec/target_page.h",
    "fd.h",
    "file.h",
    "glib.h",
    "glib/gprintf.h",
    "glib/gstdio.h",
    "hw/boards.h",
    "hw/hw.h",
    "hw/qdev-core.h",
    "io/channel.h",
    "io/channel-block.h",
    "io/channel-buffer.h",
    "io/channel-command.h",
    "io/channel-file.h",
    "io/channel-null.h",
    "io/channel-socket.h",
    "io/channel-tls.h",
    "io/channel-util.h",
    "io/channel-watch.h",
    "migration/blocker.h",
    "migration/misc.h",
    "migration/qemu-file-types.h",
    "migration/qemu-file.h",
    "migration/register.h",
    "migration/vmstate.h",
    "migration.h",
    "migration-stats.h",
    "monitor/monitor.h",
    "options.h",
    "postcopy-ram.h",
    "qapi/error.h",
    "qapi/qapi-events-migration.h",
    "qapi/qapi-types-migration.h",
    "qapi/qmp/qerror.h",
    "qapi/util.h",
    "qemu/atomic.h",
    "qemu/bitmap.h",
    "qemu/bitops.h",
    "qemu/bswap.h",
    "qemu/compiler.h",
    "qemu/coroutine.h",
    "qemu/cutils.h",
    "qemu/error-report.h",
    "qemu/host-utils.h",
    "qemu/iov.h",
    "qemu/lockable.h",
    "qemu/log.h",
    "qemu/madvise.h",
    "qemu/main-loop.h",
    "qemu/memalign.h",
    "qemu/queue.h",
    "qemu/rcu.h",
    "qemu/sockets.h",
    "qemu/stats64.h",
    "qemu/thread.h",
    "qemu/timer.h",
    "qemu/typedefs.h",
    "qemu/units.h",
    "qom/object.h",
    "ram.h",
    "rdma.h",
];

/// Writes both into `out`; the folders of headers, to be looked in after the shim's own.
pub(crate) fn write(folder: &Path, out: &Path) -> Result<Vec<PathBuf>, String> {
    let (thin, zlib) = (out.join(flags::THIN_FOLDER), out.join(flags::ZLIB_FOLDER));
    for name in THIN {
        put(&thin.join(name), "#include \"qemu/osdep.h\"\n")?;
    }
    let from = env::var_os("DEP_Z_INCLUDE")
        .map(PathBuf::from)
        .ok_or("libz-sys gave no folder of zlib's headers: build it with its feature `static`")?;
    for name in ["zlib.h", "zconf.h"] {
        let text = read(&from.join(name))?;
        put(&zlib.join(name), &text)?;
    }
    // Empty for the linked original: headers of a caller's are given at run time only.
    put(&thin.join("reference_include.h"), "")?;

    let mut list = Vec::new();
    for (root, prefix) in [
        (folder.join("shim"), ""),
        (thin.clone(), flags::THIN_FOLDER),
        (zlib.clone(), flags::ZLIB_FOLDER),
    ] {
        for file in files(&root)? {
            let name = file.strip_prefix(&root).map_err(|error| error.to_string())?;
            list.push((Path::new(prefix).join(name), file));
        }
    }
    list.sort();
    let mut text = format!("pub(crate) const SHIM: [(&str, &str); {}] = [\n", list.len());
    for (name, file) in list {
        // A string constant cannot fail to be written to.
        let _ = writeln!(
            text,
            "    ({:?}, include_str!({:?})),",
            name.display().to_string(),
            file.display().to_string()
        );
    }
    text.push_str("];\n");
    put(&out.join("shim_files.rs"), &text)?;
    Ok(vec![thin, zlib])
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let explain = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(explain)? {
        let path = entry.map_err(explain)?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    Ok(found)
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn put(path: &Path, text: &str) -> Result<(), String> {
    path.parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(path, text))
        .map_err(|error| format!("{}: {error}", path.display()))
}
