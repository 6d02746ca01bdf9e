//! The demo's configurations, memory files and listings, as a host would have written them.

use std::io;
use std::path::Path;

use jiff::Timestamp;
use uuid::Uuid;

use crate::build::hyperv::HypervConfig;

use super::guest::packed_bytes;
use super::machines::{
    APP03_BASE, APP03_NOW, DB02_NOW, LAB04, LAB04_BASE, LAB04_KEPT, LAB04_NOW, TESTWIN7,
    TESTWIN7_BASE, TESTWIN7_NOW, WEB01_BASE, WEB01_FIRST, WEB01_NOW, time,
};
use super::store::{host_path, make_file};

/// How a configuration is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ConfigForm {
    /// XML of 2008 R2.
    Xml,
    /// VMCX of 2016.
    Vmcx,
}

impl ConfigForm {
    fn extension(self) -> &'static str {
        match self {
            Self::Xml => "xml",
            Self::Vmcx => "vmcx",
        }
    }

    fn bytes(self, config: &HypervConfig) -> Vec<u8> {
        match self {
            Self::Xml => config.xml(),
            Self::Vmcx => config.vmcx(),
        }
    }
}

/// The configuration of a machine: it names the disk in use.
fn machine(
    root: &Path,
    form: ConfigForm,
    config: &HypervConfig,
    modified: Timestamp,
) -> io::Result<()> {
    let id = config.id.to_string().to_uppercase();
    let file = format!("{id}.{}", form.extension());
    let path = root.join(&config.name).join("Virtual Machines").join(file);
    make_file(&path, &form.bytes(config), modified)
}

/// The configuration of a snapshot: it names the disk that was frozen. With memory, if the machine ran.
fn snapshot(
    root: &Path,
    machine: &str,
    form: ConfigForm,
    config: &HypervConfig,
    taken: Timestamp,
) -> io::Result<()> {
    let folder = root.join(machine).join("Snapshots");
    let id = config.id.to_string().to_uppercase();
    make_file(
        &folder.join(format!("{id}.{}", form.extension())),
        &form.bytes(config),
        taken,
    )?;
    if form == ConfigForm::Xml {
        // The memory is written behind the machine's back, in the half minute after the pause.
        let written = taken + jiff::SignedDuration::from_secs(34);
        make_file(
            &folder.join(&id).join(format!("{id}.bin")),
            &packed_bytes(1, 300_000),
            written,
        )?;
        make_file(
            &folder.join(&id).join(format!("{id}.vsv")),
            &packed_bytes(2, 40_000),
            written,
        )?;
    }
    Ok(())
}

/// Configurations of every machine, and the listing of times that the host made of the store.
///
/// # Errors
/// When a file cannot be written.
pub fn make_configs(root: &Path) -> io::Result<()> {
    let r2 = |id: u128, name: &str, machine: &str, disk: &str| HypervConfig {
        version: Some(512),
        ..HypervConfig::new(Uuid::from_u128(id), name, &host_path(machine, disk))
    };
    let today = time("2009-11-20T17:40:00Z");
    let of_testwin7 = r2(
        0x2f9b_61d8_0a1e_4c7d_9a55_e3b0_c442_98fc,
        TESTWIN7,
        TESTWIN7,
        TESTWIN7_NOW,
    );
    machine(root, ConfigForm::Xml, &of_testwin7, today)?;
    let before_sp1 = r2(
        0xc0de_5e11_1d2c_4b3a_8f4e_5d6c_7b8a_9f01,
        "SP1適用前",
        TESTWIN7,
        TESTWIN7_BASE,
    );
    snapshot(
        root,
        TESTWIN7,
        ConfigForm::Xml,
        &before_sp1,
        time("2009-05-02T14:10:33Z"),
    )?;

    let of_web01 = r2(
        0x51aa_0b3c_77d4_4e0f_8c16_0f9e_8d7c_6b5a,
        "web01",
        "web01",
        WEB01_NOW,
    );
    machine(root, ConfigForm::Xml, &of_web01, today)?;
    let pre_patch = r2(
        0x9d41_7c20_3e5f_4a6b_b7c8_d9e0_f1a2_b3c4,
        "pre-patch",
        "web01",
        WEB01_BASE,
    );
    snapshot(
        root,
        "web01",
        ConfigForm::Xml,
        &pre_patch,
        time("2009-09-12T07:30:02Z"),
    )?;
    let new_shop = r2(
        0x0a1b_2c3d_4e5f_4061_8273_9485_a6b7_c8d9,
        "new shop",
        "web01",
        WEB01_FIRST,
    );
    snapshot(
        root,
        "web01",
        ConfigForm::Xml,
        &new_shop,
        time("2009-10-01T21:04:16Z"),
    )?;

    let of_db02 = r2(
        0x7e57_ab1e_0d0c_4b0a_9080_7060_5040_3020,
        "db02",
        "db02",
        DB02_NOW,
    );
    machine(root, ConfigForm::Xml, &of_db02, today)?;

    let generation = Some("b7ca8a6ab91ab997147185c9284d42c5".to_owned());
    let of_app03 = HypervConfig {
        generation_id: generation.clone(),
        created: Some(time("2026-02-03T08:00:12Z")),
        ..HypervConfig::new(
            Uuid::from_u128(0x3c0f_fee0_1234_4abc_9def_0123_4567_89ab),
            "app03",
            &host_path("app03", APP03_NOW),
        )
    };
    machine(
        root,
        ConfigForm::Vmcx,
        &of_app03,
        time("2026-11-20T17:40:00Z"),
    )?;
    let before_update = HypervConfig {
        generation_id: generation,
        created: Some(time("2026-09-14T19:30:05Z")),
        ..HypervConfig::new(
            Uuid::from_u128(0x8899_aabb_ccdd_4eef_8011_2233_4455_6677),
            "before update 7",
            &host_path("app03", APP03_BASE),
        )
    };
    snapshot(
        root,
        "app03",
        ConfigForm::Vmcx,
        &before_update,
        time("2026-09-14T19:30:06Z"),
    )?;
    configs_of_lab04(root)?;
    make_listing(root)
}

/// The machine got a new generation id when it was set back to the first of its snapshots.
fn configs_of_lab04(root: &Path) -> io::Result<()> {
    let config = |id: u128, name: &str, disk: &str, generation: &str, created: &str| HypervConfig {
        generation_id: Some(generation.to_owned()),
        created: Some(time(created)),
        ..HypervConfig::new(Uuid::from_u128(id), name, &host_path(LAB04, disk))
    };
    let (before, after) = (
        "5e0b84c1f7d24a6993320f6c1db8e7a4",
        "c41d9a37e6504b1f8ab27e905d3c61f8",
    );
    let of_lab04 = config(
        0x6b5a_4939_2818_4706_9fe1_d2c3_b4a5_9687,
        LAB04,
        LAB04_NOW,
        after,
        "2026-04-07T09:12:40Z",
    );
    machine(
        root,
        ConfigForm::Vmcx,
        &of_lab04,
        time("2026-11-20T17:40:00Z"),
    )?;
    let clean = config(
        0x1f2e_3d4c_5b6a_4798_8897_a6b5_c4d3_e2f1,
        "clean install",
        LAB04_BASE,
        before,
        "2026-04-20T09:15:02Z",
    );
    snapshot(
        root,
        LAB04,
        ConfigForm::Vmcx,
        &clean,
        time("2026-04-20T09:15:03Z"),
    )?;
    let test = config(
        0x7c6d_5e4f_3a2b_4c1d_8e0f_9a8b_7c6d_5e4f,
        "検証中",
        LAB04_KEPT,
        before,
        "2026-05-18T16:40:21Z",
    );
    snapshot(
        root,
        LAB04,
        ConfigForm::Vmcx,
        &test,
        time("2026-05-18T16:40:22Z"),
    )
}

/// Name of the listing in the store.
const LISTING: &str = "times.csv";

/// What `Get-ChildItem -Recurse | Select FullName,Length,CreationTimeUtc,LastWriteTimeUtc | ConvertTo-Csv` printed on the
/// host for the machines on AVHDX: their files hold no date, and a copy has none of the host's creation times.
fn make_listing(root: &Path) -> io::Result<()> {
    let mut listing =
        String::from("\"FullName\",\"Length\",\"CreationTimeUtc\",\"LastWriteTimeUtc\"\r\n");
    let app03 = [
        (APP03_BASE, "2026-02-03T08:01:40Z", "2026-09-14T19:30:04Z"),
        (APP03_NOW, "2026-09-14T19:30:05Z", "2026-11-20T17:33:00Z"),
    ];
    let lab04 = [
        (LAB04_BASE, "2026-04-07T09:13:05Z", "2026-04-20T09:15:01Z"),
        (LAB04_KEPT, "2026-04-20T09:15:02Z", "2026-05-18T16:40:20Z"),
        (LAB04_NOW, "2026-06-01T08:05:44Z", "2026-11-20T17:33:20Z"),
    ];
    let files = app03.map(|file| ("app03", file)).into_iter();
    for (machine, (name, born, written)) in files.chain(lab04.map(|file| (LAB04, file))) {
        let path = root.join(machine).join(name);
        let len = std::fs::metadata(&path)?.len();
        let host = host_path(machine, name);
        let row =
            [host.as_str(), &len.to_string(), born, written].map(|cell| format!("\"{cell}\""));
        listing += &row.join(",");
        listing += "\r\n";
    }
    make_file(
        &root.join(LISTING),
        listing.as_bytes(),
        time("2026-11-20T17:45:00Z"),
    )
}
