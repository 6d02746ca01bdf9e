//! The program in a real pseudo-terminal: what is on the screen, and what is left of the terminal afterwards.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod terminal;

use std::time::{Duration, Instant};

use terminal::{Session, Store, kill};

/// Long enough for a loaded machine; a test that waits for it has failed.
const PATIENCE: Duration = Duration::from_secs(20);

fn ready(session: &Session) {
    session.wait("the tree", |screen| {
        let text = screen.contents();
        text.contains("scan done") && text.contains("TestWin7")
    });
}

fn save_scan(session: &mut Session) {
    session.type_keys("E");
    session.wait("a name", |screen| screen.contents().contains(".json"));
    session.type_keys("\r");
    session.wait("the export", |screen| {
        screen.contents().contains("written: ")
    });
}

#[test]
fn it_starts_shows_the_store_and_leaves_the_terminal_as_it_was() {
    let store = Store::new();
    let mut session = Session::start(&store, (80, 24), &[], &[]);
    ready(&session);
    assert!(session.screen(|screen| screen.alternate_screen() && screen.hide_cursor()));
    assert!(session.is_raw());
    session.type_keys("q");
    assert_eq!(session.wait_for_exit(PATIENCE), 0);
    session.assert_restored();
}

#[test]
fn keys_reach_every_view() {
    let store = Store::new();
    let mut session = Session::start(&store, (80, 24), &[], &[]);
    ready(&session);
    session.type_keys("/WIN7x64_Diff_7\r");
    session.type_keys("\r");
    session.wait("details", |screen| {
        screen.contents().contains("[2 Details]") && screen.contents().contains("VERDICT")
    });
    session.type_keys("m");
    session.wait("map", |screen| screen.contents().contains("1 cell ="));
    session.type_keys("=");
    session.wait("diff", |screen| screen.contents().contains("run 1 of"));
    session.type_keys("c");
    session.wait("health", |screen| {
        screen.contents().contains("parent-missing")
    });
    session.type_keys("?");
    session.wait("help", |screen| screen.contents().contains("─ Help: "));
    session.type_keys("qq");
    assert_eq!(session.wait_for_exit(PATIENCE), 0);
}

#[test]
fn the_lost_file_is_named_at_80_by_24_by_the_plan_and_among_the_files() {
    let store = Store::new();
    let mut session = Session::start(&store, (80, 24), &[], &[]);
    ready(&session);
    let shows = |screen: &vt100::Screen, view: &str| {
        let text = screen.contents();
        text.contains(view) && text.contains("検証用.txt")
    };
    session.type_keys("/84D319FE\rF");
    session.wait("files", |screen| shows(screen, "[7 Files]"));
    session.type_keys("d");
    session.wait("plan", |screen| shows(screen, "[5 Plan]"));
    session.type_keys("qq");
    assert_eq!(session.wait_for_exit(PATIENCE), 0);
}

#[test]
fn a_storm_of_sizes_ends_in_a_whole_screen() {
    let store = Store::new();
    let mut session = Session::start(&store, (80, 24), &[], &[]);
    ready(&session);
    for step in 0..60_u16 {
        session.resize((20 + step * 37 % 180, 3 + step * 13 % 60));
    }
    session.resize((100, 30));
    session.wait("a screen of 100 by 30", |screen| {
        let rows: Vec<String> = screen.rows(0, 100).collect();
        rows.len() == 30
            && rows[0].ends_with("READ-ONLY ") | rows[0].trim_end().ends_with("READ-ONLY")
            && rows[29].contains("scan done")
    });
    session.type_keys("q");
    assert_eq!(session.wait_for_exit(PATIENCE), 0);
    session.assert_restored();
}

#[test]
fn ctrl_z_gives_the_terminal_back_and_comes_back() {
    let store = Store::new();
    let mut session = Session::start(&store, (80, 24), &["--mouse"], &[]);
    ready(&session);
    for _ in 0..2 {
        session.type_keys("\x1a");
        session.wait_stopped(PATIENCE);
        session.wait("the main screen", |screen| !screen.alternate_screen());
        session.assert_restored();
        kill("CONT", session.pid());
        session.wait("the browser again", |screen| {
            screen.alternate_screen() && screen.contents().contains("TestWin7")
        });
        assert!(session.is_raw());
    }
    session.type_keys("q");
    assert_eq!(session.wait_for_exit(PATIENCE), 0);
    session.assert_restored();
}

#[test]
fn a_stop_signal_from_outside_is_as_good_as_ctrl_z() {
    let store = Store::new();
    let mut session = Session::start(&store, (80, 24), &[], &[]);
    ready(&session);
    kill("TSTP", session.pid());
    session.wait_stopped(PATIENCE);
    session.wait("the main screen", |screen| !screen.alternate_screen());
    kill("CONT", session.pid());
    session.wait("the browser again", |screen| {
        screen.alternate_screen() && screen.contents().contains("TestWin7")
    });
    session.type_keys("q");
    assert_eq!(session.wait_for_exit(PATIENCE), 0);
}

#[test]
fn signals_that_end_it_leave_the_terminal_as_it_was() {
    let store = Store::new();
    for (signal, code) in [("TERM", 143), ("HUP", 129), ("INT", 130), ("QUIT", 131)] {
        let mut session = Session::start(&store, (80, 24), &["--mouse"], &[]);
        ready(&session);
        assert!(session.screen(
            |screen| screen.mouse_protocol_mode() == vt100::MouseProtocolMode::PressRelease
        ));
        kill(signal, session.pid());
        assert_eq!(session.wait_for_exit(PATIENCE), code, "SIG{signal}");
        session.assert_restored();
    }
}

#[test]
fn a_signal_while_the_store_is_still_read_ends_it_as_well() {
    let store = Store::many(300);
    for (signal, code) in [("TERM", 143), ("HUP", 129)] {
        let mut session = Session::start(&store, (80, 24), &[], &[]);
        session.wait("the browser", vt100::Screen::alternate_screen);
        kill(signal, session.pid());
        assert_eq!(session.wait_for_exit(PATIENCE), code, "SIG{signal}");
        session.assert_restored();
    }
}

#[test]
fn a_terminal_that_hangs_up_ends_it_as_sighup_does() {
    let store = Store::new();
    let mut session = Session::start(&store, (80, 24), &[], &[]);
    ready(&session);
    session.hang_up(PATIENCE);
    assert_eq!(session.wait_for_exit(PATIENCE), 129);
}

#[test]
fn ctrl_c_in_a_pager_is_the_pagers() {
    let store = Store::new();
    // One program that shows the text, then waits for the keyboard: once the text is there, it is a Ctrl-C of its own.
    let pager = [("PAGER", "cat - /dev/tty")];
    let mut session = Session::start(&store, (80, 24), &[], &pager);
    ready(&session);
    session.type_keys("v");
    session.wait("the pager", |screen| {
        !screen.alternate_screen() && screen.contents().contains("TestWin7")
    });
    session.type_keys("\x03");
    session.wait("the browser again", |screen| {
        screen.alternate_screen() && screen.contents().contains("TestWin7")
    });
    kill("TERM", session.pid());
    assert_eq!(session.wait_for_exit(PATIENCE), 143);
    session.assert_restored();
}

#[test]
fn a_panic_leaves_the_terminal_as_it_was_and_says_what_happened() {
    let store = Store::new();
    let mut session = Session::start(
        &store,
        (80, 24),
        &["--mouse"],
        &[("VHDTREE_TEST_PANIC", "1")],
    );
    ready(&session);
    session.type_keys("X");
    assert_eq!(session.wait_for_exit(PATIENCE), 101);
    session.assert_restored();
    session.wait("what happened", |screen| {
        screen.contents().contains("tripped by a test")
    });
}

#[test]
fn no_color_sends_no_colour_and_keeps_reverse_video() {
    let store = Store::new();
    let mut session = Session::start(&store, (80, 24), &[], &[("NO_COLOR", "1")]);
    ready(&session);
    // It begins on the worst row, the second.
    session.type_keys("jj");
    session.wait("the cursor on the fourth row", |screen| {
        screen
            .rows(0, 80)
            .nth(6)
            .is_some_and(|row| row.starts_with('>'))
    });
    let reversed = session.screen(|screen| screen.cell(6, 10).is_some_and(vt100::Cell::inverse));
    assert!(reversed, "the selection must be seen without colours");
    session.type_keys("q");
    session.wait_for_exit(PATIENCE);
    for code in colour_codes(&session.bytes()) {
        assert!(code == "39" || code == "49", "a colour was sent: {code}");
    }
}

/// Parameters of colour in the bytes sent: `31`, `38;5;9`, `39`...
fn colour_codes(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let mut codes = Vec::new();
    for piece in text.split("\x1b[").skip(1) {
        let end = piece
            .find(|c: char| !(c.is_ascii_digit() || c == ';'))
            .unwrap_or(piece.len());
        if piece[end..].starts_with('m') {
            let first = piece[..end].split(';').next().unwrap_or_default();
            let number = first.parse::<u32>().unwrap_or(0);
            if (30..=49).contains(&number) || (90..=107).contains(&number) {
                codes.push(piece[..end].to_owned());
            }
        }
    }
    codes
}

#[test]
fn with_colours_the_same_look_does_find_some() {
    let store = Store::new();
    let mut session = Session::start(&store, (80, 24), &[], &[]);
    ready(&session);
    session.type_keys("q");
    session.wait_for_exit(PATIENCE);
    assert!(
        colour_codes(&session.bytes())
            .iter()
            .any(|code| code != "39" && code != "49")
    );
}

#[test]
fn a_terminal_that_takes_no_more_bytes_does_not_keep_it_alive() {
    let store = Store::new();
    let mut session = Session::start(&store, (200, 60), &[], &[]);
    ready(&session);
    session.stop_reading();
    // Each theme and size redraws everything: soon the pseudo-terminal is full.
    for _ in 0..40 {
        session.type_keys("TA\x0c");
    }
    kill("TERM", session.pid());
    assert_eq!(session.wait_for_exit(PATIENCE), 143);
}

#[test]
fn idle_it_sends_nothing_and_does_nothing() {
    let store = Store::new();
    let mut session = Session::start(&store, (140, 40), &[], &[]);
    ready(&session);
    session.wait_idle(Duration::from_millis(700), PATIENCE);
    session.type_keys("q");
    assert_eq!(session.wait_for_exit(PATIENCE), 0);
}

#[test]
fn a_pager_gets_the_keyboard_and_gives_it_back() {
    let store = Store::new();
    // This pager takes one line from the keyboard and shows its first letter.
    let pager = [("PAGER", "head -c1 /dev/tty")];
    let mut session = Session::start(&store, (80, 24), &[], &pager);
    ready(&session);
    session.type_keys("v");
    session.wait("the main screen", |screen| !screen.alternate_screen());
    session.type_keys("q\n");
    session.wait("the browser again", |screen| {
        screen.alternate_screen() && screen.contents().contains("TestWin7")
    });
    session.type_keys("m");
    session.wait("a key after the pager", |screen| {
        screen.contents().contains("[3 Map]")
    });
    session.type_keys("q");
    assert_eq!(session.wait_for_exit(PATIENCE), 0);
    session.assert_restored();
}

#[test]
fn what_it_opens_for_writing_lies_in_its_own_folder() {
    if std::process::Command::new("strace")
        .arg("-V")
        .output()
        .is_err()
    {
        println!("skipped: strace");
        return;
    }
    let (store, home) = (Store::new(), tempfile::tempdir().unwrap());
    let log = home.path().join("log");
    let own = home.path().to_str().unwrap().to_owned();
    let pager = [("PAGER", "head -c1 /dev/tty"), ("HOME", own.as_str())];
    let mut session = Session::traced(&log, &store, &pager);
    ready(&session);
    session.type_keys("v");
    session.wait("the main screen", |screen| !screen.alternate_screen());
    session.type_keys("q\n");
    // A key that comes before the tree is drawn again may still be the pager's.
    session.wait("the browser again", |screen| {
        screen.alternate_screen() && screen.contents().contains("TestWin7")
    });
    save_scan(&mut session);
    session.type_keys("q");
    assert_eq!(session.wait_for_exit(PATIENCE), 0);
    let trace = std::fs::read_to_string(&log).unwrap();
    assert!(
        trace.contains("TestWin7") && trace.contains("scan"),
        "{trace}"
    );
    let state = format!("\"{own}/.local");
    let mut written = 0;
    for line in trace.lines() {
        let writes = [
            "O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", " mkdir(", " rename", " unlink",
        ]
        .iter()
        .any(|word| line.contains(word));
        if writes && !line.contains("= -1 E") {
            let is_device = line.contains("\"/dev/tty\"") || line.contains("\"/dev/null\"");
            assert!(is_device || line.contains(&state), "{line}");
            written += usize::from(!is_device);
        }
        assert!(!line.contains("AF_INET"), "{line}");
    }
    assert!(written >= 3, "the state, the export and their folder");
}

#[test]
fn the_next_visit_marks_what_is_new_since_the_scan_that_was_saved() {
    let (store, home) = (Store::new(), tempfile::tempdir().unwrap());
    let home = [("HOME", home.path().to_str().unwrap())];
    let mut session = Session::start(&store, (100, 30), &[], &home);
    ready(&session);
    save_scan(&mut session);
    session.type_keys("q");
    assert_eq!(session.wait_for_exit(PATIENCE), 0);
    store.add("new.vhd");
    let mut session = Session::start(&store, (100, 30), &[], &home);
    session.wait("what is new", |screen| {
        let text = screen.contents();
        text.contains("+ new") && text.contains("since 20") && text.contains(": 1 new")
    });
    session.type_keys("yc");
    session.wait("a command that knows of the scan", |screen| {
        screen.contents().contains("--facts")
    });
    session.type_keys("qq");
    assert_eq!(session.wait_for_exit(PATIENCE), 0);
}

#[test]
fn a_wait_for_what_never_comes_fails() {
    let store = Store::new();
    let session = Session::start(&store, (80, 24), &[], &[]);
    let waited = session.try_wait(Duration::from_millis(300), |screen| {
        screen.contents().contains("no such text")
    });
    assert!(waited.is_err());
}

#[test]
fn first_rows_and_help_come_while_a_large_store_is_still_read() {
    let store = Store::many(500);
    let began = Instant::now();
    let mut session = Session::start(&store, (80, 24), &[], &[]);
    session.wait("first rows", |screen| screen.contents().contains("vm0"));
    let first_rows = began.elapsed();
    let pressed = Instant::now();
    session.type_keys("?");
    session.wait("help", |screen| screen.contents().contains("─ Help: "));
    let answered = pressed.elapsed();
    println!("first rows after {first_rows:?}, a key answered after {answered:?}");
    // Unoptimised, and beside other tests: the limit is for mistakes of order.
    assert!(first_rows < Duration::from_secs(5) && answered < Duration::from_secs(2));
    session.type_keys("qq");
    assert_eq!(session.wait_for_exit(PATIENCE), 0);
}

#[test]
fn a_static_program_needs_nothing_but_itself() {
    let Some(program) = std::env::var_os("VHDTREE_STATIC") else {
        println!("skipped: static program");
        return;
    };
    let jail = tempfile::tempdir().unwrap();
    std::fs::copy(program, jail.path().join("vhdtree")).unwrap();
    vhdtree::demo::build(&jail.path().join("demo")).unwrap();
    // No home, no time zones, no terminal descriptions, no library: an environment of two words.
    let in_jail = |args: &[&str]| {
        let mut command = std::process::Command::new("/usr/sbin/chroot");
        command.arg(jail.path()).arg("/vhdtree").args(args);
        command
            .env_clear()
            .env("TZ", "Asia/Tokyo")
            .output()
            .unwrap()
    };
    if in_jail(&["--version"]).status.code() == Some(125) {
        println!("skipped: chroot");
        return;
    }
    let disk = "/demo/TestWin7/WIN7x64_Diff_7C1FA0D2-94E3-4B6A-8E0B-2F5D9A63C11E.avhd";
    for (args, code, says) in [
        (&["ls", "/demo", "--local"][..], 0, "TestWin7"),
        (&["check", "/demo"], 1, "parent-missing"),
        (&["diff", disk], 1, "differs"),
        (&["demo", "/another"], 0, "TestWin7"),
    ] {
        let output = in_jail(args);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {output:?}");
        assert!(said.contains(says), "{args:?}: {said}");
    }
    let mut session = Session::jailed(jail.path(), "/demo", (80, 24));
    ready(&session);
    session.type_keys("q");
    assert_eq!(session.wait_for_exit(PATIENCE), 0);
    session.assert_restored();
}

#[test]
fn few_descriptors_and_little_memory_are_enough_to_browse_five_thousand_disks() {
    let store = Store::many(2_500);
    // The C library reserves address space for each thread, which is no memory, and is counted all the same.
    for limit in ["-n 64", "-v 524288 && export MALLOC_ARENA_MAX=2"] {
        let mut session = Session::start_under(limit, &store, (100, 30));
        session.wait("the end of the scan", |screen| {
            let text = screen.contents();
            text.contains("scan done") && text.contains("5,000 disks")
        });
        session.type_keys("/vm02499\r");
        session.wait("the last machine", |screen| {
            screen.contents().contains("vm02499")
        });
        session.type_keys("c");
        session.wait("health", |screen| !screen.contents().contains("vm02499"));
        session.type_keys("qq");
        assert_eq!(session.wait_for_exit(PATIENCE), 0, "{limit}");
        session.assert_restored();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_store_of_pipes_and_devices_can_be_browsed() {
    let store = Store::hostile();
    let mut session = Session::start(&store, (120, 30), &[], &[]);
    session.wait("the end of the scan", |screen| {
        let text = screen.contents();
        text.contains("scan done") && text.contains("pipe.vhd")
    });
    for view in ["2", "3", "4", "5", "6"] {
        for key in ["j", "m", "="] {
            session.type_keys(view);
            session.type_keys(key);
        }
    }
    session.type_keys("1Gr");
    session.wait("the tree again", |screen| {
        screen.contents().contains("scan done")
    });
    session.type_keys("qq");
    assert_eq!(session.wait_for_exit(PATIENCE), 0);
    session.assert_restored();
}
