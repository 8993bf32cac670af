//! A QEMU, and what is said to it.

use std::collections::VecDeque;
use std::error::Error;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::guest::COUNTER;

/// What goes wrong, in words.
pub(crate) type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// How long an answer or an event is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A release of QEMU: its name, and the program.
pub(crate) struct Release {
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
}

/// A machine that is migrated.
#[derive(Clone, Copy)]
pub(crate) struct Machine {
    pub(crate) name: &'static str,
    /// Size of its memory in MiB.
    pub(crate) mib: u64,
    /// Whether it has a processor.
    pub(crate) runs: bool,
}

impl Machine {
    /// What of its memory is plain: length in bytes, from address 0.
    fn plain(&self) -> Vec<(u64, u64)> {
        let all = self.mib << 20;
        if !self.runs {
            return vec![(0, all)];
        }
        // Between these a machine has its firmware, and places without memory.
        let mut plain = vec![(0, 0xa_0000)];
        plain.extend((all > 1 << 20).then(|| (1 << 20, all - (1 << 20))));
        plain
    }

    /// Those parts of a block that begins at address 0.
    pub(crate) fn plain_of(&self, block: &[u8]) -> Outcome<Vec<u8>> {
        let mut bytes = Vec::new();
        for (from, len) in self.plain() {
            let (from, len) = (usize::try_from(from)?, usize::try_from(len)?);
            bytes.extend(block.get(from..from + len).ok_or("the block is too short")?);
        }
        Ok(bytes)
    }
}

/// A process. It ends with this.
pub(crate) struct Qemu {
    process: Child,
    to: UnixStream,
    from: BufReader<UnixStream>,
    events: VecDeque<Value>,
    folder: PathBuf,
    machine: Machine,
}

impl Drop for Qemu {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Qemu {
    /// Starts one in `folder`, where the firmware is; with `-S` among `more` it stays stopped.
    pub(crate) fn start(
        release: &Release,
        machine: Machine,
        folder: &Path,
        more: &[&str],
    ) -> Outcome<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_read_timeout(Some(PATIENCE))?;
        ours.set_write_timeout(Some(PATIENCE))?;
        let mut command = Command::new("bash");
        // A pipe that brings the file `in`, for those that are to load from a descriptor.
        command.args(["-c", "[[ ! -e in ]] || exec 3< <(cat in); exec \"$0\" \"$@\""]);
        command.arg(&release.program).args(["-machine", machine.name, "-accel", "tcg"]);
        command.args(["-m", &format!("{}M", machine.mib), "-nodefaults", "-display", "none"]);
        if machine.runs {
            command.args(["-bios", "guest.rom"]);
        } else {
            command.args(["-device", "loader,file=content,addr=0x1000,force-raw=on"]);
        }
        command.args(["-qmp", "stdio"]).args(more).current_dir(folder);
        let output: OwnedFd = theirs.try_clone()?.into();
        command.stdin(Stdio::from(OwnedFd::from(theirs))).stdout(Stdio::from(output));
        let process = command.stderr(Stdio::inherit()).spawn()?;
        // It holds their end too: as long as it does, nobody sees that QEMU has ended.
        drop(command);
        let from = BufReader::new(ours.try_clone()?);
        let folder = folder.to_owned();
        let mut qemu = Self { process, to: ours, from, events: VecDeque::new(), folder, machine };
        qemu.message()?;
        qemu.ask("qmp_capabilities", json!({}))?;
        qemu.allow(&["events"])?;
        Ok(qemu)
    }

    fn message(&mut self) -> Outcome<Value> {
        let mut line = String::new();
        let len = self.from.read_line(&mut line).map_err(|error| format!("no answer: {error}"))?;
        if len == 0 {
            return Err("QEMU ended".into());
        }
        Ok(serde_json::from_str(&line)?)
    }

    /// Carries out a command of QMP.
    pub(crate) fn ask(&mut self, command: &str, arguments: Value) -> Outcome<Value> {
        let line = json!({ "execute": command, "arguments": arguments }).to_string();
        self.to.write_all((line + "\n").as_bytes())?;
        loop {
            let mut message = self.message()?;
            if let Some(error) = message.get("error") {
                return Err(format!("{command}: {error}").into());
            }
            if message.get("event").is_some() {
                self.events.push_back(message);
            } else {
                return Ok(message["return"].take());
            }
        }
    }

    /// Carries out a command of the monitor for people.
    fn monitor(&mut self, line: &str) -> Outcome<String> {
        let answer = self.ask("human-monitor-command", json!({ "command-line": line }))?;
        Ok(answer.as_str().unwrap_or_default().replace('\r', ""))
    }

    /// Turns capabilities of migration on.
    pub(crate) fn allow(&mut self, names: &[&str]) -> Outcome<()> {
        let all: Vec<Value> =
            names.iter().map(|name| json!({ "capability": name, "state": true })).collect();
        self.ask("migrate-set-capabilities", json!({ "capabilities": all })).map(drop)
    }

    pub(crate) fn migrate(&mut self, uri: &str) -> Outcome<()> {
        self.ask("migrate", json!({ "uri": uri })).map(drop)
    }

    pub(crate) fn incoming(&mut self, uri: &str) -> Outcome<()> {
        self.ask("migrate-incoming", json!({ "uri": uri })).map(drop)
    }

    /// Waits until a migration is so far.
    pub(crate) fn wait(&mut self, status: &str) -> Outcome<()> {
        loop {
            let event = match self.events.pop_front() {
                Some(event) => event,
                None => self.message().map_err(|error| format!("waiting for {status}: {error}"))?,
            };
            match event["data"]["status"].as_str() {
                Some(now) if now == status => return Ok(()),
                Some("failed") => {
                    let why = self.ask("query-migrate", json!({}))?;
                    return Err(format!("the migration failed: {}", why["error-desc"]).into());
                }
                _ => {}
            }
        }
    }

    /// Waits until the guest has gone on by so many rounds.
    pub(crate) fn goes_on(&mut self, rounds: u32) -> Outcome<()> {
        if !self.machine.runs {
            return Ok(());
        }
        let (began, first) = (Instant::now(), self.counter()?);
        while self.counter()?.wrapping_sub(first) < rounds {
            if began.elapsed() > PATIENCE {
                return Err("the guest does not go on".into());
            }
        }
        Ok(())
    }

    fn counter(&mut self) -> Outcome<u32> {
        let answer = self.monitor(&format!("xp /1wx {COUNTER:#x}"))?;
        let digits = answer.trim().rsplit("0x").next().unwrap_or_default();
        u32::from_str_radix(digits, 16).map_err(|_| format!("no number: {answer}").into())
    }

    /// What QEMU itself says of its memory.
    pub(crate) fn memory(&mut self) -> Outcome<Vec<u8>> {
        let mut bytes = Vec::new();
        let file = self.folder.join("pmemsave");
        for (from, len) in self.machine.plain() {
            self.ask("pmemsave", json!({ "val": from, "size": len, "filename": file }))?;
            bytes.extend(fs::read(&file)?);
        }
        Ok(bytes)
    }

    /// The registers of its processor, if it has one.
    pub(crate) fn registers(&mut self) -> Outcome<String> {
        if self.machine.runs { self.monitor("info registers") } else { Ok(String::new()) }
    }

    /// Ends it in order.
    pub(crate) fn quit(mut self) -> Outcome<()> {
        self.ask("quit", json!({}))?;
        match self.process.wait()? {
            status if status.success() => Ok(()),
            status => Err(format!("QEMU ended with {status}").into()),
        }
    }
}

/// Waits until somebody listens at a socket.
pub(crate) fn appears(socket: &Path) -> Outcome<()> {
    let began = Instant::now();
    while !socket.exists() {
        if began.elapsed() > PATIENCE {
            return Err(format!("{}: nobody listens", socket.display()).into());
        }
        std::thread::yield_now();
    }
    Ok(())
}
