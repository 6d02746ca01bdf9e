//! What lies inside a guest: volumes written by their own drivers, held in chains of disks, and known lists of changes.

#[cfg(target_os = "linux")]
mod bombs;
mod chains;
#[cfg(unix)]
mod clock;
#[cfg(unix)]
mod closed;
#[cfg(unix)]
mod copied;
mod cost;
#[cfg(target_os = "linux")]
mod cost_linux;
#[cfg(unix)]
mod cp;
#[cfg(unix)]
mod dumped;
mod fat;
mod hostile;
#[cfg(unix)]
mod journal;
#[cfg(target_os = "linux")]
mod kernel;
#[cfg(unix)]
mod linux;
#[cfg(unix)]
mod lvm;
mod ntfs;
#[cfg(unix)]
mod owners;
#[cfg(unix)]
mod reuse;
#[cfg(unix)]
mod story;
#[cfg(unix)]
mod tables;
#[cfg(unix)]
mod tools;
mod windows;
