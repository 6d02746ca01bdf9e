//! Journeys: what people come for, as keys. Each ends on what they wanted to see.

use std::sync::Arc;

use vhdtree::analysis::diff::DiffRun;
use vhdtree::analysis::plan::{Answer, FreeSource, Merge, Plan};
use vhdtree::format::SectorNo;
use vhdtree::store::Product;
use vhdtree::tui::app::{App, Dialog};
use vhdtree::tui::effect::{Effect, Export, JobRequest};
use vhdtree::tui::message::{JobKind, JobProgress, Message, MouseAction, News, Signal};
use vhdtree::tui::sample;
use vhdtree::tui::script::{Script, settings, told};
use vhdtree::tui::state::StatePlace;
use vhdtree::tui::view::View;

use crate::screens::{answer_map, answer_plan, compared, sides};

fn at_80x24() -> Script {
    Script::new(sample::store(), (80, 24))
}

fn last_job(script: &Script) -> &JobRequest {
    let work = script.effects.iter().rev().find_map(|effect| match effect {
        Effect::Start(_, work) => Some(work),
        _ => None,
    });
    work.expect("a job was asked for")
}

fn plan_of(script: &Script, answer: Answer) -> Plan {
    let disk = script.app.disk().unwrap();
    let above = script.app.store.forest.node(disk).unwrap().children[0];
    Plan {
        snapshot: Some(0),
        machine: None,
        frozen: vec![disk],
        product: Product::HyperV2008,
        answer,
        summary: "TestWin7 was reverted on 2009-06-30".to_owned(),
        reasons: Vec::new(),
        merges: vec![Merge {
            from: above,
            into: disk,
            survivor: disk,
            blocks: Some(5),
            bytes: Some(8_493_056),
            bytes_max: 10_485_760,
            grow_max: 4_194_304,
            enlarge_to: None,
            is_possible: true,
            free: Some(1_000_000),
            free_source: Some(FreeSource::Here),
        }],
        deleted: Vec::new(),
        freed: vec![above],
        breaks: Vec::new(),
        before: vec![vec![disk, above]],
        after: vec![vec![disk]],
        ends_in: "what it shows today".to_owned(),
        already_lost: vec!["59 days of work".to_owned()],
        lost: Vec::new(),
        engine_notes: Vec::new(),
        do_first: Vec::new(),
        not_checked: vec!["vm-power-state"],
        verdict: None,
        state_token: "9f31c2ad".to_owned(),
    }
}

#[test]
fn the_reverted_machine_is_found_and_its_evidence_is_one_key_away() {
    let mut script = at_80x24();
    script.keys("s").keys("v").keys("<Home>]");
    assert!(script.app.row().unwrap().flag.is_problem());
    let screen = script.keys("/TestWin7<Enter>jj<Enter>").screen();
    assert!(screen.contains("was set back to"), "{screen}");
    script.keys("<Esc>");
    assert_eq!(script.app.view, View::HOME);
}

#[test]
fn deleting_is_only_previewed_and_the_command_is_not_taken_away_by_habit() {
    let mut script = at_80x24();
    script.keys("/WIN7x64_Diff.vhd<Enter>d");
    assert!(matches!(last_job(&script), JobRequest::Plan { .. }));
    let plan = plan_of(&script, Answer::Refuse);
    script.answer(JobKind::Plan, News::Plan(Arc::new(plan)));
    let screen = script.screen();
    assert!(
        screen.contains("! REFUSE") && screen.contains("is written into"),
        "{screen}"
    );
    script.keys("yc");
    assert!(script.app.prompt.is_some(), "the name is asked for first");
    script.keys("yes<Enter>");
    assert!(
        !script
            .effects
            .iter()
            .any(|effect| matches!(effect, Effect::Copy(_)))
    );
    script.keys("ycTestWin7<Enter>");
    let copied = script.effects.iter().find_map(|effect| match effect {
        Effect::Copy(text) => Some(text.clone()),
        _ => None,
    });
    assert!(
        copied
            .unwrap()
            .starts_with("# refuse: TestWin7 was reverted")
    );
    assert!(
        matches!(&script.app.overlay, Some(Dialog::Text { title, .. }) if title.contains("Sent"))
    );
}

#[test]
fn each_snapshot_of_a_disk_frozen_for_several_gets_its_own_plan() {
    use vhdtree::analysis::plan::Target;
    let mut script = Script::new(sample::twice_frozen(), (80, 24));
    let target = |script: &Script| match last_job(script) {
        JobRequest::Plan { target, .. } => *target,
        other => panic!("{other:?}"),
    };
    script.keys("/mail_base<Enter>d");
    assert_eq!(target(&script), Target::Snapshot(0));
    script.keys("]");
    assert_eq!(target(&script), Target::Snapshot(1));
    answer_plan(&mut script);
    let screen = script.screen();
    assert!(
        screen.contains("SNAPSHOT 2 of 2  \"February\" >\"before the move\""),
        "{screen}"
    );
    script.keys("]");
    assert_eq!(script.app.notice.as_deref(), Some("this is the base"));
    script.keys("[");
    assert_eq!(target(&script), Target::Snapshot(0));
}

#[test]
fn what_was_changed_is_kept_for_the_next_visit_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let place = StatePlace::below(folder.path(), &["/vmstore".into()]).unwrap();
    let visit = |keys: &str| {
        let mut app = App::new(settings(), (80, 24));
        app.remember(Some(place.clone()), place.load());
        let mut script = Script::read(app, sample::store());
        script.keys(keys);
        for effect in &script.effects {
            if let Effect::Remember(place, memory) = effect {
                place.save(memory).unwrap();
            }
        }
        script
    };
    visit("jjcq");
    let files = || std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(files(), 0, "looking leaves no trace");
    visit("ss*Tc<Home>xq");
    let memory = place.load();
    assert_eq!(memory.order().unwrap().0.word(), "size");
    assert_eq!(memory.theme.as_deref(), Some("safe"));
    let mut again = visit("");
    assert_eq!(again.app.shown.len(), 5, "all is folded still");
    let screen = again.keys("c").screen();
    assert!(
        screen.contains("1 hidden") && !screen.contains("parent-missing"),
        "{screen}"
    );
    assert!(again.keys("a<Home>").screen().contains("parent-missing"));
    again.keys("q");
    let Some(Effect::Remember(_, memory)) = again
        .effects
        .iter()
        .find(|effect| matches!(effect, Effect::Remember(..)))
    else {
        panic!("it is kept that nothing is hidden");
    };
    assert!(memory.hidden.is_empty());
}

#[test]
fn one_disk_is_read_again_and_the_rest_stays() {
    let mut script = Script::new(sample::store(), (80, 60));
    script.keys("/7c44<Enter>r");
    let wanted = script.app.disk().unwrap();
    assert!(matches!(last_job(&script), JobRequest::Reread { disk, .. } if *disk == wanted));
    let mut sample = sample::store();
    Arc::make_mut(&mut sample.forest.disks[wanted.0 as usize])
        .file
        .len = 123 << 20;
    script.store(JobKind::Reread, sample);
    assert_eq!(script.app.disk(), Some(wanted));
    assert!(script.keys("2").screen().contains("123.0 MiB"));
    script.keys("1");
    script.keys("R");
    assert!(matches!(last_job(&script), JobRequest::Scan { .. }));
    script.keys("r");
    assert!(
        matches!(last_job(&script), JobRequest::Scan { .. }),
        "one disk of a store that is being read is no job of its own"
    );
}

#[test]
fn a_plan_that_does_not_fit_the_free_space_says_so() {
    let mut script = at_80x24();
    script.keys("/WIN7x64_Diff.vhd<Enter>d");
    let plan = plan_of(&script, Answer::Pass);
    script.answer(JobKind::Plan, News::Plan(Arc::new(plan)));
    let screen = script.screen();
    assert!(
        screen.contains("may grow by up to 4.0 MiB; free here: 976.6 KiB, NOT"),
        "{screen}"
    );
    script.keys("yc");
    assert!(
        script
            .effects
            .iter()
            .any(|effect| matches!(effect, Effect::Copy(_)))
    );
}

#[test]
fn the_differing_bytes_are_shown_side_by_side() {
    let mut script = at_80x24();
    script.keys("/7c44<Enter>=");
    assert!(matches!(
        last_job(&script),
        JobRequest::Diff { other: None, .. }
    ));
    script.answer(JobKind::Diff, News::Compared(Arc::new(compared())));
    let sector = 2_051;
    assert!(matches!(
        last_job(&script),
        JobRequest::Hex { sector: 2_051, .. }
    ));
    script.answer(JobKind::Hex, News::Sides(Arc::new(sides(sector))));
    let screen = script.screen();
    assert!(
        screen.contains("38>3f>46>") && screen.contains("|9c>02>33>"),
        "{screen}"
    );
    script.keys("]");
    assert!(matches!(
        last_job(&script),
        JobRequest::Hex {
            sector: 6_291_488,
            ..
        }
    ));
}

#[test]
fn the_missing_parent_is_found_and_named() {
    let mut script = at_80x24();
    script.keys("/missing<Enter>");
    let screen = script.screen();
    assert!(
        screen.contains("db02_base.vhdx, the parent of what stands below, is not in the store"),
        "{screen}"
    );
    let screen = script.keys("c").screen();
    assert!(screen.contains("parent-missing"), "{screen}");
    script.keys("<Enter>");
    assert_eq!(script.app.view, View::HOME);
    assert!(
        script
            .app
            .row()
            .unwrap()
            .full_name
            .starts_with("db02_1C9E0A44")
    );
}

#[test]
fn two_marked_siblings_are_compared() {
    let mut script = at_80x24();
    script.keys("/77c0<Enter> /a02e<Enter> =");
    let marks = script.app.marks.clone();
    let JobRequest::Diff {
        forest,
        child,
        other,
    } = last_job(&script)
    else {
        panic!("a diff is asked for");
    };
    assert_eq!(forest.disk(other.unwrap()).unwrap().path, marks[0]);
    assert_eq!(forest.disk(*child).unwrap().path, marks[1]);
}

#[test]
fn a_scan_is_saved_and_browsed_elsewhere() {
    let mut script = at_80x24();
    script.keys("E<Enter>");
    let Some(Effect::Export(_, Export::Store(forest, assessment))) = script.effects.last().cloned()
    else {
        panic!("the store is exported");
    };
    let json = vhdtree::tui::saved::store_json(&forest, &assessment).unwrap();
    let saved = vhdtree::report::json::read::read(&mut json.as_slice()).unwrap();
    let elsewhere = sample::Sample {
        forest: saved.forest,
        assessment: saved.assessment,
    };
    let mut there = Script::new(elsewhere, (80, 24));
    assert_eq!(
        there.keys("/7c44<Enter>").screen(),
        script.keys("/7c44<Enter>").screen()
    );
    // The files it names may be others there: none is opened, and each view says why it is empty.
    there.app.settings.saved = true;
    for key in ["m", "o", "=", "d"] {
        there.effects.clear();
        let screen = there.keys("1").keys(key).screen();
        let started = there
            .effects
            .iter()
            .any(|effect| matches!(effect, Effect::Start(..)));
        assert!(!started, "{key}: {:?}", there.effects);
        if key != "o" {
            assert!(screen.contains("This is a saved scan"), "{key}: {screen}");
        }
    }
    there.keys("mo");
    assert!(there.app.jobs.is_empty());
}

#[test]
fn one_disk_is_copied_as_json_and_by_path() {
    let mut script = at_80x24();
    script.keys("/7c44<Enter>yj<Esc>yp");
    let copied: Vec<&String> = script
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Copy(text) => Some(text),
            _ => None,
        })
        .collect();
    let json: serde_json::Value = serde_json::from_str(copied[0]).unwrap();
    assert_eq!(json["path"], copied[1].as_str());
}

#[test]
fn esc_never_quits_and_q_does() {
    let mut script = at_80x24();
    script.keys("cm<Enter>?<Esc><Esc><Esc><Esc><Esc><Esc><Esc>");
    assert!(!script.app.leaving);
    assert_eq!(script.app.view, View::HOME);
    script.keys("?q");
    assert!(!script.app.leaving, "q closes an overlay first");
    script.keys("q");
    assert!(script.app.leaving);
}

#[test]
fn ctrl_c_stops_the_job_first_and_then_leaves() {
    let mut script = at_80x24();
    script.keys("/7c44<Enter>=").keys("<^C>");
    assert!(!script.app.leaving);
    assert!(
        script
            .effects
            .iter()
            .any(|effect| matches!(effect, Effect::Cancel(JobKind::Diff)))
    );
    let mut stopped = compared();
    stopped.summary.complete = false;
    script.answer(JobKind::Diff, News::Compared(Arc::new(stopped)));
    assert!(script.screen().contains("~ partial"));
    if script.app.jobs.contains_key(&JobKind::Hex) {
        script.answer(JobKind::Hex, News::Sides(Arc::new(sides(2_051))));
    }
    script.keys("<^C>");
    assert!(script.app.leaving);
}

#[test]
fn news_of_an_older_job_is_dropped() {
    let mut script = at_80x24();
    script.keys("/7c44<Enter>m");
    let old = script.app.jobs[&JobKind::Map].no;
    let path = script.app.disk_path().unwrap();
    script.keys("1/a02e<Enter>m");
    let table = sample::block_table(&path.to_string_lossy());
    script.send(Message::Job(
        JobKind::Map,
        old,
        News::Blocks(Arc::new(table)),
    ));
    assert!(script.screen().contains("reading the block table"));
}

#[test]
fn the_cursor_stays_on_its_disk_when_the_store_grows() {
    let mut script = at_80x24();
    script.keys("/a02e<Enter>R");
    let before = script.app.disk_path();
    script.store(JobKind::Scan, sample::grown());
    assert_eq!(script.app.disk_path(), before);
}

#[test]
fn a_store_read_again_stays_on_the_screen_until_it_is_read_whole() {
    let mut script = at_80x24();
    script.keys("/a02e<Enter>m");
    let before = script.app.disk_path();
    script.answer(
        JobKind::Map,
        News::Blocks(Arc::new(sample::block_table(
            &before.clone().unwrap().to_string_lossy(),
        ))),
    );
    script.keys("R");
    let partial = || {
        let mut partial = sample::many(1);
        partial.forest.complete = false;
        partial
    };
    let no = script.app.jobs[&JobKind::Scan].no;
    let growing = told(&script.app, partial().snapshot());
    script.send(Message::Job(JobKind::Scan, no, growing));
    assert_eq!(script.app.disk_path(), before);

    // Stopped in the middle, what is known better stays, and the words say so.
    script.effects.clear();
    script.store(JobKind::Scan, partial());
    assert_eq!(script.app.disk_path(), before);
    let words = &script.app.scan_words;
    assert!(words.contains("as read before"), "{words}");
    assert!(matches!(last_job(&script), JobRequest::Map { .. }));

    // Read whole, the open view is about the new store.
    script.keys("R").effects.clear();
    script.store(JobKind::Scan, sample::store());
    assert_eq!(script.app.disk_path(), before);
    assert!(script.app.scan_words.starts_with("scan done"));
    assert!(matches!(last_job(&script), JobRequest::Map { .. }));
}

#[test]
fn of_two_jobs_the_views_own_is_told_and_stopped_first() {
    let mut script = at_80x24();
    script.keys("/a02e<Enter>=R=");
    assert!(script.screen().contains("comparing (also scanning)"));
    script.keys("<^C>");
    assert!(matches!(
        script.effects.last(),
        Some(Effect::Cancel(JobKind::Diff))
    ));
    script.answer(JobKind::Diff, News::Progress(JobProgress::default()));
    script.keys("1<^C>");
    assert!(matches!(
        script.effects.last(),
        Some(Effect::Cancel(JobKind::Scan))
    ));
}

#[test]
fn a_filter_keeps_ancestors_and_esc_lifts_it() {
    let mut script = at_80x24();
    script.keys("f7c44");
    let screen = script.screen();
    assert!(
        screen.contains("WIN7x64_Diff.vhd") && !screen.contains("web01"),
        "{screen}"
    );
    assert!(screen.contains("1 of 5 match 7c44"), "{screen}");
    assert_eq!(script.app.row().unwrap().name, "7C44D1AA.avhd");
    script.keys("<Enter><Esc>");
    assert!(script.screen().contains("web01"));
}

#[test]
fn folding_everything_and_searching_below_it() {
    let mut script = at_80x24();
    script.keys("*");
    assert_eq!(script.app.shown.len(), 5);
    script.keys("/77c0<Enter>");
    assert!(script.app.row().unwrap().name.starts_with("77C0"));
    script.keys("hhh");
    assert!(
        script.app.row().unwrap().name.contains("web01.vhdx"),
        "{:?}",
        script.app.row().unwrap().name
    );
}

#[test]
fn the_map_finds_one_block_in_a_million_and_its_sectors() {
    let mut script = at_80x24();
    script.keys("/7c44<Enter>m");
    answer_map(&mut script);
    script.keys("<Home>]]]");
    script.keys("g543210<Enter><Enter>g543210<Enter>");
    let screen = script.screen();
    assert!(
        screen.contains("block 543,210") && screen.contains("partial"),
        "{screen}"
    );
    script.keys("<Enter>");
    assert!(matches!(
        last_job(&script),
        JobRequest::Sectors { block: 543_210, .. }
    ));
}

#[test]
fn no_single_key_does_harm() {
    let keys: Vec<String> = (' '..='~')
        .map(|c| {
            if c == '<' {
                String::new()
            } else {
                c.to_string()
            }
        })
        .collect();
    for view in ["", "<Enter>", "m", "c", "d", "="] {
        for key in &keys {
            let mut script = at_80x24();
            script.keys("/7c44<Enter>").keys(view).keys(key);
            for effect in &script.effects {
                // Exports write a new file of their own; nothing else leaves the program.
                assert!(
                    matches!(
                        effect,
                        Effect::Start(..)
                            | Effect::Cancel(_)
                            | Effect::Pager(_)
                            | Effect::Export(..)
                            | Effect::Mouse(_)
                            | Effect::Quit
                    ),
                    "{view} {key}: {effect:?}"
                );
            }
        }
    }
}

#[test]
fn a_paste_outside_a_prompt_is_no_keys() {
    let mut script = at_80x24();
    script.send(Message::Paste("qqq".to_owned()));
    assert!(!script.app.leaving);
    script
        .keys("/")
        .send(Message::Paste("7c44\u{1b}".to_owned()));
    assert!(script.screen().contains("find: 7c44\\u{1b}"));
}

#[test]
fn the_wheel_and_a_click_move_the_cursor() {
    let mut script = at_80x24();
    script
        .keys("<Home>")
        .send(Message::Mouse(MouseAction::WheelDown));
    assert_eq!(script.app.cursor, 3);
    script.send(Message::Mouse(MouseAction::Click(5, 4)));
    assert_eq!(script.app.cursor, 1);
    script.send(Message::Mouse(MouseAction::Click(1, 1)));
    assert_eq!(script.app.view, View::HOME);
}

#[test]
fn help_is_filtered_while_it_is_typed() {
    for view in ["", "m"] {
        let mut script = at_80x24();
        script.keys("/7c44<Enter>").keys(view).keys("?/theme");
        let screen = script.screen();
        assert!(
            screen.contains("T         the next theme") && !screen.contains("IN THIS VIEW"),
            "{screen}"
        );
        let screen = script.keys("xyz<Enter>").screen();
        assert!(screen.contains("Nothing here has that text."), "{screen}");
        let screen = script.keys("/<Esc>").screen();
        assert!(screen.contains("IN THIS VIEW"), "{screen}");
        script.keys("<Esc>");
        assert_eq!(script.app.overlay, None);
    }
}

#[test]
fn the_panes_take_the_keys_in_turn_and_one_fills_the_screen() {
    let mut script = Script::new(sample::store(), (140, 40));
    script.keys("/7c44<Enter>").send(Message::Rested);
    answer_map(&mut script);
    let row = script.app.cursor;
    let screen = script.keys("<Tab>jj").screen();
    assert_eq!(script.app.cursor, row, "the tree stands still");
    assert!(screen.contains("[Details]"), "{screen}");
    script.keys("<Tab>]");
    assert!(script.screen().contains("[Map]"));
    script.keys("_");
    assert_eq!(script.app.view, View("map"));
    script.keys("_");
    assert_eq!(
        (script.app.view, script.app.acting()),
        (View::HOME, View("map"))
    );
    script.keys("<Esc>j");
    assert_eq!(
        script.app.cursor,
        row + 1,
        "Esc gives the keys back to the tree"
    );
    script.keys("_");
    assert!(!script.screen().contains(" Map ─"));
    script.keys("<Tab>").send(Message::Resize(80, 24));
    assert_eq!(
        script.app.acting(),
        script.app.view,
        "one pane: nothing to swap"
    );
}

#[test]
fn a_signal_leaves() {
    let mut script = at_80x24();
    script.send(Message::Signal(Signal::Terminate));
    assert!(script.app.leaving);
}

#[test]
fn a_script_that_presses_no_key_is_refused() {
    let wrong = std::panic::catch_unwind(|| {
        at_80x24().keys("<Hyper>");
    });
    assert!(wrong.is_err());
}

#[test]
fn esc_lifts_the_filter_whatever_was_looked_at_before() {
    let mut script = at_80x24();
    script.keys("/7c44<Enter>=1f77c0<Enter><Esc>");
    assert_eq!(script.app.view, View::HOME);
    assert!(script.screen().contains("build-agent"));
    script.keys("!<Esc>");
    assert!(script.screen().contains("build-agent.vhd"));
}

#[test]
fn a_comparison_made_for_the_map_shows_its_bytes_in_the_diff() {
    let mut script = at_80x24();
    script.keys("/7c44<Enter>m");
    answer_map(&mut script);
    script.keys("o");
    script.answer(JobKind::Diff, News::Compared(Arc::new(compared())));
    script.keys("=");
    assert!(matches!(last_job(&script), JobRequest::Hex { .. }));
}

#[test]
fn a_copied_text_stands_alone_and_the_next_key_goes_on() {
    let mut script = at_80x24();
    script.keys("/7c44<Enter>yp");
    let screen = script.screen();
    let path = "/vmstore/TestWin7/WIN7x64_Diff_7C44D1AA-1BD2-4A4E-9C01-93B8AE2D7F10.avhd";
    assert!(
        screen.lines().any(|line| line.trim_end() == path),
        "{screen}"
    );
    script.keys("c");
    assert_eq!(
        (script.app.view, script.app.overlay.is_none()),
        (View("health"), true)
    );
}

#[test]
fn the_title_names_what_is_compared_and_a_copied_command_repeats_it() {
    let mut script = at_80x24();
    script.keys("/77c0<Enter> /a02e<Enter> g=");
    assert!(script.screen().contains("web01 / A02E91B3.avhdx"));
    script.keys("yc");
    let Some(Effect::Copy(text)) = script.effects.last() else {
        panic!("nothing was copied");
    };
    assert!(
        text.starts_with("vhdtree diff ")
            && text.contains("A02E91B3")
            && text.contains(" /vmstore/web01/web01_77C0D1AA"),
        "{text}"
    );
}

#[test]
fn a_finding_is_read_whole_on_the_smallest_screen() {
    let mut script = Script::new(sample::store(), (40, 10));
    let screen = script.keys("ce").screen();
    assert!(screen.contains("Why it matters"), "{screen}");
}

#[test]
fn what_is_on_the_screen_is_read_again_with_the_store() {
    let again = |keys: &str| {
        let mut script = at_80x24();
        script.keys("/7c44<Enter>").keys(keys);
        answer_map(&mut script);
        if script.app.jobs.contains_key(&JobKind::Diff) {
            script.answer(JobKind::Diff, News::Compared(Arc::new(compared())));
        }
        script.keys("R");
        script.store(JobKind::Scan, sample::store());
        script
    };
    let script = again("m");
    assert!(matches!(last_job(&script), JobRequest::Map { .. }));
    let mut script = again("=");
    assert!(matches!(last_job(&script), JobRequest::Diff { .. }));
    let screen = script.screen();
    assert!(
        screen.contains("parent WIN7x64_Diff.vhd  | right: child 7C44D1AA.avhd"),
        "{screen}"
    );
    let mut script = again("=1");
    script.keys("=");
    assert!(matches!(last_job(&script), JobRequest::Diff { .. }));
}

#[test]
fn zooming_in_ends_at_the_sectors_of_a_block() {
    let mut script = at_80x24();
    script.keys("/7c44<Enter>m");
    answer_map(&mut script);
    script.keys("g543210<Enter>++++++");
    assert!(matches!(
        last_job(&script),
        JobRequest::Sectors { block: 543_210, .. }
    ));
}

/// Where a text stands on the screen.
fn row_with(script: &mut Script, text: &str) -> u16 {
    let screen = script.screen();
    let row = screen.lines().position(|line| line.contains(text));
    let row = row.unwrap_or_else(|| panic!("{text} is not on the screen:\n{screen}"));
    u16::try_from(row).unwrap()
}

#[test]
fn a_click_on_a_row_of_a_scrolled_list_selects_that_row() {
    // The tree.
    let mut script = Script::new(sample::many(40), (80, 12));
    script.keys("<End>kkkk");
    for y in 3..9 {
        let row = script.screen().lines().nth(y.into()).unwrap().to_owned();
        if row.starts_with('>') {
            continue;
        }
        script.send(Message::Mouse(MouseAction::Click(9, y)));
        let name = script.app.row().unwrap().name.clone();
        assert!(row.contains(&name), "{name} is selected, clicked: {row}");
        assert_eq!(script.app.view, View::HOME);
        script.keys("<End>kkkk");
    }
    // The findings: a second click on the selected one goes to its disk.
    let mut store = sample::many(40);
    for (disk, number) in store.forest.disks.iter_mut().zip(0..) {
        let finding = vhdtree::finding::Finding::new(
            &vhdtree::format::vhd::codes::TIMESTAMP,
            format!("finding number {number:02}"),
        );
        Arc::make_mut(disk).findings.push(finding);
    }
    let mut script = Script::new(store, (80, 24));
    script.keys("c<End>kkk");
    let y = row_with(&mut script, "vm00036.vhd");
    script.send(Message::Mouse(MouseAction::Click(30, y)));
    assert!(script.screen().contains("What           finding number 72"));
    script.send(Message::Mouse(MouseAction::Click(30, y)));
    assert_eq!(script.app.row().unwrap().name, "vm00036.vhd");
    // The runs of a diff.
    let mut many = compared();
    let first = many.runs[0];
    many.runs = (0..200_u64)
        .map(|run| DiffRun {
            sector: SectorNo(run * 1_000),
            ..first
        })
        .collect();
    let mut script = at_80x24();
    script.keys("/7c44<Enter>=");
    script.answer(JobKind::Diff, News::Compared(Arc::new(many)));
    script.keys("<End>kkk");
    let y = row_with(&mut script, "195,000");
    script.send(Message::Mouse(MouseAction::Click(9, y)));
    assert!(matches!(
        last_job(&script),
        JobRequest::Hex {
            sector: 195_000,
            ..
        }
    ));
    // The map: the cell under the pointer.
    let mut script = at_80x24();
    script.keys("/7c44<Enter>m");
    answer_map(&mut script);
    script.send(Message::Mouse(MouseAction::Click(8 + 5, 3 + 2)));
    assert!(script.screen().contains("blocks 136,192-137,215"));
}

#[test]
fn every_number_is_whole_where_bytes_are_asked_for() {
    let mut script = at_80x24();
    script.keys("/WIN7x64_Diff.vhd<Enter>d");
    let plan = plan_of(&script, Answer::Refuse);
    script.answer(JobKind::Plan, News::Plan(Arc::new(plan)));
    let screen = script.keys("z").screen();
    for number in ["8,493,056", "10,485,760", "4,194,304", "1,000,000"] {
        assert!(screen.contains(number), "{number}:\n{screen}");
    }
    script.keys("1/7c44<Enter>=");
    script.answer(JobKind::Diff, News::Compared(Arc::new(compared())));
    let screen = script.screen();
    assert!(screen.contains("3221241856"), "{screen}");
    script.keys("1m");
    answer_map(&mut script);
    assert!(script.screen().contains("at byte 0"));
}

#[test]
fn the_list_goes_on_moving_above_its_story() {
    let mut script = at_80x24();
    script
        .keys("/WIN7x64_Diff.vhd<Enter><Tab>")
        .send(Message::Rested);
    let screen = script.screen();
    assert!(
        screen.contains("▼ TestWin7") && screen.contains(" SNAPSHOT  whose disk this is"),
        "{screen}"
    );
    script.keys("/evil<Enter>").send(Message::Rested);
    let screen = script.screen();
    assert!(screen.contains("/vmstore/lab/evil"), "{screen}");
    assert_eq!(script.app.view, View::HOME);
    script.keys("<Enter>");
    assert_eq!(script.app.view, View("details"));
    script.keys("<Esc>");
    assert_eq!(script.app.view, View::HOME);
    assert!(!script.keys("<Tab>").screen().contains("whose disk this is"));
}

#[test]
fn help_begins_with_the_keys_of_this_view() {
    let mut script = at_80x24();
    let screen = script.keys("?").screen();
    assert!(
        screen.contains("? again: every key") && !screen.contains("IN EVERY VIEW"),
        "{screen}"
    );
    assert!(!screen.contains(" more: "), "it fits:\n{screen}");
    assert!(script.keys("?").screen().contains("IN THIS VIEW"));
    assert!(!script.keys("?").screen().contains("IN THIS VIEW"));
}
