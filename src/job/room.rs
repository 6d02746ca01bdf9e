//! Whether there is room for threads that mostly wait.

/// True unless the address space of the process is limited (`ulimit -v`). The C library sets 64 MiB of it aside for each
/// thread that allocates, so a few threads more could take what the work itself needs.
#[cfg(unix)]
pub fn is_room_for_threads() -> bool {
    use rustix::process::{Resource, getrlimit};
    getrlimit(Resource::As).current.is_none()
}

/// True: there is no such limit here.
#[cfg(not(unix))]
pub fn is_room_for_threads() -> bool {
    true
}
