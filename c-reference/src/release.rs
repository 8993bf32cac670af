//! Releases of QEMU, as far as this file behaves differently in them.

use std::fmt;
use std::str::FromStr;

/// A release, by the first one that behaves so: 9.2 is [`V9_1`](Self::V9_1), 10.1 is
/// [`V10_0`](Self::V10_0). Later ones are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Release {
    /// 7.2: an error does not stop a stream, and there is no `qemu_file_get_to_fd`.
    V7_2,
    /// 8.0.
    V8_0,
    /// 8.1: hooks and a counter for each stream.
    V8_1,
    /// 8.2: the pinned one.
    V8_2,
    /// 9.0: transfers at an offset; a failing shutdown is reported.
    V9_0,
    /// 9.1 and 9.2: no compression, no stream put into a stream.
    V9_1,
    /// 10.0 and 10.1: descriptors.
    V10_0,
    /// 10.2: `qemu_file_set_blocking` returns.
    V10_2,
    /// 11.0: `qemu_file_get_fd` is strict.
    V11_0,
    /// The development of 11.1: transfers at an offset are continued.
    V11_1,
    /// Later: `qemu_get_buffer_at` gives its error to the caller.
    Next,
}

/// Each release with its name.
const NAMES: [(Release, &str); 11] = [
    (Release::V7_2, "7.2"),
    (Release::V8_0, "8.0"),
    (Release::V8_1, "8.1"),
    (Release::V8_2, "8.2"),
    (Release::V9_0, "9.0"),
    (Release::V9_1, "9.1"),
    (Release::V10_0, "10.0"),
    (Release::V10_2, "10.2"),
    (Release::V11_0, "11.0"),
    (Release::V11_1, "11.1"),
    (Release::Next, "next"),
];

impl Release {
    /// All of them, the oldest first.
    pub fn all() -> impl Iterator<Item = Self> {
        NAMES.into_iter().map(|(release, _)| release)
    }

    /// The release whose text has this SHA-256, in lower-case hexadecimal, if `known.pin` has it.
    #[must_use]
    pub fn of_sha256(sha256: &str) -> Option<Self> {
        include_str!("../known.pin")
            .lines()
            .filter_map(|line| line.split_once(' '))
            .find(|(known, _)| *known == sha256)
            .and_then(|(_, name)| name.parse().ok())
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = NAMES.iter().find(|(release, _)| release == self);
        f.write_str(named.map_or("", |(_, name)| name))
    }
}

/// A name that is none of a release.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is no release: name one of {}", NAMES.map(|(_, name)| name).join(", "))]
pub struct UnknownRelease {
    /// The name that was given.
    pub name: String,
}

impl FromStr for Release {
    type Err = UnknownRelease;

    /// Takes `8.2`, `v8.2`, `8.2.1`, and 9.2 and 10.1 for what they behave as.
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let unknown = || UnknownRelease { name: name.to_owned() };
        let plain = name.strip_prefix('v').unwrap_or(name);
        let series: Vec<&str> = plain.splitn(3, '.').take(2).collect();
        let series = match series.join(".") {
            nine if nine == "9.2" => "9.1".to_owned(),
            ten if ten == "10.1" => "10.0".to_owned(),
            other => other,
        };
        NAMES
            .iter()
            .find(|(_, known)| *known == series)
            .map(|(release, _)| *release)
            .ok_or_else(unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::Release;

    #[test]
    fn names_are_read_as_they_are_written_and_with_a_patch_level() {
        for release in Release::all() {
            assert_eq!(release.to_string().parse(), Ok(release));
        }
        assert_eq!("v8.2.0".parse(), Ok(Release::V8_2));
        assert_eq!("9.2.4".parse(), Ok(Release::V9_1));
        assert_eq!("10.1".parse(), Ok(Release::V10_0));
        assert!("8".parse::<Release>().unwrap_err().to_string().contains("8.2, 9.0"));
        assert!(Release::V8_2 < Release::V10_0);
    }

    #[test]
    fn every_known_text_has_a_release() {
        let known = include_str!("../known.pin").lines().filter(|line| !line.starts_with('#'));
        for line in known {
            let (sha256, _) = line.split_once(' ').expect("two words");
            assert_eq!(sha256.len(), 64);
            assert!(Release::of_sha256(sha256).is_some(), "{line}");
        }
        assert_eq!(Release::of_sha256(crate::PIN.sha256), Some(Release::V8_2));
        assert_eq!(Release::of_sha256(""), None);
    }
}
