//! Reads a library without running it: for which machine it is, and which entry it exports. What
//! the dynamic linker or the library itself thinks of it is not known here.

use std::fs::File;
use std::path::Path;

use bmf_abi::ENTRY_PREFIX;
use object::elf::PT_LOAD;
use object::read::elf::{ElfFile, FileHeader, ProgramHeader};
use object::{Architecture, BinaryFormat, FileKind, Object, ObjectKind, ReadCache, ReadRef};
#[cfg(target_os = "linux")]
use object::{
    Endianness,
    elf::{DT_NEEDED, FileHeader32, FileHeader64},
    read::elf::Dyn,
};

use crate::refusal::Refusal;

/// What the names of all entries begin with, whatever the version of their contract.
const ANY_ENTRY: &str = "bmf_plugin_v";

/// The names of the entries that a library exports, sorted; at least one.
///
/// # Errors
/// Whatever can be seen from outside to be wrong with it.
pub(crate) fn entries(path: &Path) -> Result<Vec<String>, Refusal> {
    let file = File::open(path).map_err(|error| Refusal::unreadable(&error))?;
    let metadata = file.metadata();
    let metadata = metadata.map_err(|error| Refusal::unreadable(&error))?;
    if metadata.len() == 0 {
        return Err(Refusal::Empty);
    }
    of_image(&ReadCache::new(file), metadata.len())
}

/// The names of the libraries that a library needs itself, as far as they can be read.
#[cfg(target_os = "linux")]
pub(crate) fn needed(path: &Path) -> Vec<String> {
    let Ok(file) = File::open(path) else {
        return Vec::new();
    };
    let data = ReadCache::new(file);
    let names = match FileKind::parse(&data) {
        Ok(FileKind::Elf32) => needed_by::<FileHeader32<Endianness>>(&data),
        Ok(FileKind::Elf64) => needed_by::<FileHeader64<Endianness>>(&data),
        _ => None,
    };
    names.unwrap_or_default()
}

#[cfg(target_os = "linux")]
fn needed_by<'a, Elf: FileHeader<Endian = Endianness>>(
    data: impl ReadRef<'a>,
) -> Option<Vec<String>> {
    let image = ElfFile::<'a, Elf, _>::parse(data).ok()?;
    let (endian, sections) = (image.endian(), image.elf_section_table());
    let (dynamic, strings) = sections.dynamic(endian, data).ok()??;
    let strings = sections.strings(endian, data, strings).ok()?;
    let names = dynamic
        .iter()
        .filter(|entry| entry.tag32(endian) == Some(DT_NEEDED))
        .filter_map(|entry| strings.get(entry.val32(endian)?).ok())
        .map(|name| String::from_utf8_lossy(name).into_owned());
    Some(names.collect())
}

fn of_image<'a>(data: impl ReadRef<'a>, len: u64) -> Result<Vec<String>, Refusal> {
    let kind = match FileKind::parse(data) {
        Ok(kind) => kind,
        // A header is longer than its mark.
        Err(_) => return Err(unknown(data, len)),
    };
    match kind {
        FileKind::Elf32 => check_segments::<object::elf::FileHeader32<_>>(data, len)?,
        FileKind::Elf64 => check_segments::<object::elf::FileHeader64<_>>(data, len)?,
        FileKind::MachOFat32 | FileKind::MachOFat64 => {
            return Err(Refusal::NotShared(
                "a universal binary of several libraries".to_owned(),
            ));
        }
        FileKind::MachO32 | FileKind::MachO64 | FileKind::Pe32 | FileKind::Pe64 => {}
        FileKind::Coff | FileKind::CoffBig => {
            return Err(Refusal::NotShared("an object file".to_owned()));
        }
        _ => return Err(Refusal::NotALibrary),
    }
    let image = object::File::parse(data).map_err(|_| Refusal::Truncated)?;
    check_machine(&image)?;
    check_kind(&image)?;
    choose(&exports(&image)?)
}

/// Too short for a header, or something else altogether.
fn unknown<'a>(data: impl ReadRef<'a>, len: u64) -> Refusal {
    let start = data.read_bytes_at(0, len.min(4)).unwrap_or_default();
    let is_cut = [&b"\x7fELF"[..], b"MZ", b"\xcf\xfa\xed\xfe"]
        .iter()
        .any(|mark| mark.starts_with(start) || start.starts_with(mark));
    if is_cut {
        Refusal::Truncated
    } else {
        Refusal::NotALibrary
    }
}

/// Whether all that would be mapped is there: mapping a shorter file succeeds, and the first touch of
/// what is missing ends the process.
fn check_segments<'a, Elf: FileHeader<Endian = object::Endianness>>(
    data: impl ReadRef<'a>,
    len: u64,
) -> Result<(), Refusal> {
    let image = ElfFile::<'a, Elf, _>::parse(data).map_err(|_| Refusal::Truncated)?;
    let endian = image.endian();
    let is_there = |segment: &Elf::ProgramHeader| {
        let start: u64 = segment.p_offset(endian).into();
        let size: u64 = segment.p_filesz(endian).into();
        segment.p_type(endian) != PT_LOAD || start.checked_add(size).is_some_and(|end| end <= len)
    };
    match image.elf_program_headers().iter().all(is_there) {
        true => Ok(()),
        false => Err(Refusal::Truncated),
    }
}

fn check_machine<'a, R: ReadRef<'a>>(image: &object::File<'a, R>) -> Result<(), Refusal> {
    let library = (system(image), processor(image));
    let program = (
        std::env::consts::OS.to_owned(),
        std::env::consts::ARCH.to_owned(),
    );
    // ELF does not say for which of its systems it is, or says it wrongly.
    let is_elf_here =
        image.format() == BinaryFormat::Elf && !cfg!(any(windows, target_vendor = "apple"));
    if (is_elf_here || library.0 == program.0) && library.1 == program.1 {
        return Ok(());
    }
    let name = |(system, processor): &(String, String)| match is_elf_here {
        true => processor.clone(),
        false => format!("{system} on {processor}"),
    };
    Err(Refusal::WrongMachine {
        library: name(&library),
        program: name(&program),
    })
}

fn system<'a, R: ReadRef<'a>>(image: &object::File<'a, R>) -> String {
    let name = match image.format() {
        BinaryFormat::Elf => "linux",
        BinaryFormat::MachO => "macos",
        BinaryFormat::Pe => "windows",
        _ => "an unknown system",
    };
    name.to_owned()
}

/// In the words of `std::env::consts::ARCH`, where it has one.
fn processor<'a, R: ReadRef<'a>>(image: &object::File<'a, R>) -> String {
    let is_little = image.is_little_endian();
    let name = match (image.architecture(), image.is_64()) {
        (Architecture::X86_64, true) => "x86_64",
        (Architecture::X86_64, false) => "x32",
        (Architecture::I386, _) => "x86",
        (Architecture::Aarch64, _) if is_little => "aarch64",
        (Architecture::Arm, _) if is_little => "arm",
        (Architecture::Riscv64, _) => "riscv64",
        (Architecture::Riscv32, _) => "riscv32",
        (Architecture::PowerPc64, _) => "powerpc64",
        (Architecture::S390x, _) => "s390x",
        (Architecture::LoongArch64, _) => "loongarch64",
        (other, _) => return format!("{other:?}").to_lowercase(),
    };
    name.to_owned()
}

fn check_kind<'a, R: ReadRef<'a>>(image: &object::File<'a, R>) -> Result<(), Refusal> {
    let what = match image.kind() {
        // A program that may be loaded anywhere looks like a library; only what it exports tells.
        ObjectKind::Dynamic => return Ok(()),
        ObjectKind::Executable => "a program",
        ObjectKind::Relocatable => "an object file",
        ObjectKind::Core => "a core dump",
        _ => "something else",
    };
    Err(Refusal::NotShared(what.to_owned()))
}

fn exports<'a, R: ReadRef<'a>>(image: &object::File<'a, R>) -> Result<Vec<String>, Refusal> {
    let exports = image.exports().map_err(|_| Refusal::Truncated)?;
    let names = exports.iter().map(|export| {
        let name = String::from_utf8_lossy(export.name());
        match image.format() {
            // Where C names get an underscore in front.
            BinaryFormat::MachO => name.strip_prefix('_').unwrap_or(&name).to_owned(),
            _ => name.into_owned(),
        }
    });
    Ok(names.collect())
}

/// The entries for this contract, or why there is none.
fn choose(exports: &[String]) -> Result<Vec<String>, Refusal> {
    let mut entries: Vec<String> = exports
        .iter()
        .filter(|name| name.starts_with(ENTRY_PREFIX))
        .cloned()
        .collect();
    if !entries.is_empty() {
        entries.sort();
        entries.dedup();
        return Ok(entries);
    }
    let other = exports.iter().find_map(|name| {
        let (version, _) = name.strip_prefix(ANY_ENTRY)?.split_once('_')?;
        version.parse().ok()
    });
    if let Some(version) = other {
        return Err(Refusal::OtherContract(version));
    }
    // What BMF's macros leave in a library: a constructor per class, or the registration of a Go
    // module.
    if exports.iter().any(|name| name == "ConstructorRegister") {
        return Err(Refusal::Language("Go".to_owned()));
    }
    let is_bmf = |name: &String| {
        name.starts_with("_Z") && (name.contains("7bmf_sdk") || name.contains("Constructor_"))
    };
    match exports.iter().any(is_bmf) {
        true => Err(Refusal::BmfModule),
        false => Err(Refusal::NoPlugin),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(exports: &[&str]) -> String {
        let exports: Vec<String> = exports.iter().map(|name| (*name).to_owned()).collect();
        match choose(&exports) {
            Ok(entries) => entries.join(" "),
            Err(refusal) => refusal.to_string(),
        }
    }

    #[test]
    fn entries_are_chosen_by_name() {
        insta::assert_snapshot!(check(&["x", "bmf_plugin_v1_b", "bmf_plugin_v1_a", "bmf_plugin_v2_c"]), @"bmf_plugin_v1_a bmf_plugin_v1_b");
        insta::assert_snapshot!(check(&["x", "bmf_plugin_v2_a"]), @"is for contract 2, but this program speaks 1; rebuild it with a kit for contract 1");
        insta::assert_snapshot!(check(&["bmf_plugin_v", "bmf_plugin_vx_a"]), @"is a library, but no bmf plugin: it exports no bmf_plugin_v1_*; export modules from it (Rust: export_module!, C: bmf.h), or take it away");
        insta::assert_snapshot!(check(&["_Z30Constructor_CopyModuleModulei"]), @"is a C++ module built against BMF's own SDK, whose classes this program does not have; rebuild it against bmf.h or bmf.hpp");
        insta::assert_snapshot!(check(&["ConstructorRegister"]), @"is a Go module, which this build cannot load; use a module built as a library");
    }

    #[test]
    fn bytes_that_are_no_library_are_told_apart() {
        let check = |bytes: &[u8]| of_image(bytes, bytes.len() as u64).unwrap_err();
        assert_eq!(
            check(b"plain text, long enough for a header"),
            Refusal::NotALibrary
        );
        assert_eq!(check(b"\x7fEL"), Refusal::Truncated);
        assert_eq!(check(b"\x7fELF\x02\x01\x01"), Refusal::Truncated);
        assert_eq!(check(b"MZ"), Refusal::Truncated);
    }
}
