//! Makes the files of the corpus. One that is there is taken as it is: what it is made of is in its name's case alone.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use super::files::{Case, Make};
use crate::damage::Random;

/// Makes one file, unless it is there.
pub(super) fn make(case: &Case, folder: &Path) -> anyhow::Result<()> {
    let recipe = folder.join(format!("{}.recipe", case.file.replace(['/', '%'], "_")));
    let wanted = format!("{:?}", case.make);
    if std::fs::read_to_string(&recipe).is_ok_and(|made| made == wanted) {
        return Ok(());
    }
    let path = folder.join(case.file);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    match &case.make {
        Make::Ffmpeg(arguments) => ffmpeg(&format!("{} {}", expand(arguments), case.file), folder)?,
        Make::Damaged(from, damage) => {
            let whole =
                std::fs::read(folder.join(from)).with_context(|| format!("reading {from}"))?;
            std::fs::write(&path, damage.apply(&whole, &mut Random::new(1)))?;
        }
        Make::Joined(files) => {
            let read = |file: &&str| std::fs::read(folder.join(file));
            let parts = files.iter().map(read).collect::<Result<Vec<_>, _>>()?;
            std::fs::write(&path, parts.concat())?;
        }
    }
    Ok(std::fs::write(recipe, wanted)?)
}

fn ffmpeg(arguments: &str, folder: &Path) -> anyhow::Result<()> {
    let output = Command::new("ffmpeg")
        .args(["-hide_banner", "-nostdin", "-loglevel", "error", "-y"])
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()?;
    if !output.status.success() {
        bail!(
            "`ffmpeg {arguments}` failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}

/// `V` is a second of test pictures, `V:160x120:25` of that size and rate; `A` and `A:48000:5.1` a tone of a second.
fn expand(arguments: &str) -> String {
    let word = |word: &str| match word.split(':').collect::<Vec<_>>()[..] {
        ["V"] => pictures("160x120", "25"),
        ["V", size, rate] => pictures(size, rate),
        ["A"] => sound("44100", "stereo"),
        ["A", rate, layout] => sound(rate, layout),
        _ => word.to_owned(),
    };
    arguments
        .split_whitespace()
        .map(word)
        .collect::<Vec<_>>()
        .join(" ")
}

fn pictures(size: &str, rate: &str) -> String {
    let seconds = if rate == "1" { 3 } else { 1 };
    format!("-f lavfi -i testsrc2=s={size}:r={rate}:d={seconds}")
}

/// Each channel has a tone of its own.
fn sound(rate: &str, layout: &str) -> String {
    let channels = match layout {
        "mono" => 1,
        "stereo" => 2,
        _ => 6,
    };
    let tones: Vec<String> = (1..=channels)
        .map(|number| format!("sin({}*t)/4", number * 700))
        .collect();
    format!(
        "-f lavfi -i aevalsrc={}:c={layout}:s={rate}:d=1",
        tones.join("|")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_have_short_names() {
        insta::assert_snapshot!(expand("V A -c:v ffv1"), @"-f lavfi -i testsrc2=s=160x120:r=25:d=1 -f lavfi -i aevalsrc=sin(700*t)/4|sin(1400*t)/4:c=stereo:s=44100:d=1 -c:v ffv1");
        insta::assert_snapshot!(expand("V:64x48:1 A:8000:mono -c copy"), @"-f lavfi -i testsrc2=s=64x48:r=1:d=3 -f lavfi -i aevalsrc=sin(700*t)/4:c=mono:s=8000:d=1 -c copy");
    }
}
