//! What can be wrong with a Hyper-V configuration file.

crate::catalogue! {
    /// Longer than any real configuration.
    TOO_LARGE = "config-too-large", Warning, "the configuration is too long to be one",
        why: "Real configurations have some hundred kilobytes. What it would say of names, times and disks in use is missing.",
        action: "Check what wrote the file; a saved state (.vmrs) renamed to .vmcx looks like this.";
    /// More keys or levels than are kept.
    TOO_MANY_KEYS = "config-too-many-keys", Warning, "the configuration has more keys than are kept",
        why: "Real configurations have some hundred keys in a few levels. Keys past the limit are not looked at.",
        action: "Check what wrote the file.";
    /// A byte sequence that is no text.
    TEXT_DAMAGED = "config-text-damaged", Warning, "text in the configuration is damaged",
        why: "Names or paths of disks may be wrong where the damage is.",
        action: "Copy the file again from the host.";
    VALUE_DAMAGED = "config-value-damaged", Warning, "a value of the configuration does not fit its type",
        why: "That key is kept as text or left out; times or switches may be missing.",
        action: "Copy the file again from the host, or compare the key with another configuration.";
    XML_DAMAGED = "config-xml-damaged", Warning, "the configuration is not well-formed XML",
        why: "Nothing behind the fault is known: names, times and disks in use may be missing.",
        action: "Copy the file again from the host; a file cut short while it was copied looks like this.";
    /// One VMCX header is bad.
    VMCX_HEADER = "config-vmcx-header", Info, "one of the two headers of the VMCX is not valid",
        why: "The file is written in turns; the other header is used. A host that stopped while writing leaves this behind.",
        action: "Nothing, if the machine is known to be in order.";
    /// Both VMCX headers are bad.
    VMCX_HEADERS = "config-vmcx-headers", Warning, "neither header of the VMCX is valid",
        why: "What the file says may be old or wrong.",
        action: "Copy the file again from the host.";
    /// A version of the container that is too old to be known.
    VMCX_VERSION = "config-vmcx-version", Warning, "this version of the VMCX format is not known",
        why: "Its tables are laid out in another way, so names, times and disks in use of this machine or snapshot are not known from it.",
        action: "Give the same facts with --facts, or let a current Hyper-V upgrade the configuration.";
    /// The replay log is damaged.
    VMCX_LOG = "config-vmcx-log", Warning, "the log of the VMCX cannot be applied",
        why: "The last changes to the configuration are in the log only; what is shown is the state before them.",
        action: "Copy the file again while the machine is off.";
    VMCX_REPLAYED = "config-vmcx-replayed", Info, "the log of the VMCX was applied in memory",
        why: "The host had not finished writing the file. What is shown includes the changes in the log; the file is not touched.",
        action: "Nothing.";
    /// An object of the file is damaged.
    VMCX_OBJECT = "config-vmcx-object", Warning, "an object of the VMCX is damaged",
        why: "Keys stored there may be missing.",
        action: "Copy the file again from the host.";
    VMCX_KEY = "config-vmcx-key", Warning, "a key of the VMCX is damaged",
        why: "Its value may be wrong or missing.",
        action: "Copy the file again from the host.";
}
