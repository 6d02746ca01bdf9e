use super::*;

fn shown(width: u16, needs: Needs) -> Vec<(&'static str, u16)> {
    let shown = |fitted: Fitted| (fitted.column.word(), fitted.width);
    fit(width, &needs).columns.into_iter().map(shown).collect()
}

fn names(width: u16) -> Vec<&'static str> {
    let shown = shown(width, Needs::default());
    shown.into_iter().map(|(name, _)| name).collect()
}

#[test]
fn at_80_columns_snapshots_stand_beside_their_day_and_state() {
    assert_eq!(
        shown(80, Needs::default()),
        [
            ("name", 23),
            ("snapshots", 12),
            ("taken", 10),
            ("dirty", 9),
            ("verdict", 21)
        ]
    );
}

#[test]
fn columns_go_in_the_order_given_and_name_and_state_stay() {
    assert_eq!(names(140).len(), 10);
    assert_eq!(
        names(110),
        [
            "name",
            "snapshots",
            "taken",
            "format",
            "ondisk",
            "dirty",
            "verdict"
        ]
    );
    assert_eq!(names(79), ["name", "snapshots", "taken", "verdict"]);
    assert_eq!(names(60), ["name", "snapshots", "verdict"]);
    assert_eq!(names(47), ["name", "verdict"]);
    assert_eq!(names(40), ["name", "verdict"]);
    assert_eq!(names(10), ["name", "verdict"]);
}

#[test]
fn no_name_is_cut_beside_a_column_of_sizes() {
    let long = Needs {
        snapshot: 20,
        ..Needs::default()
    };
    assert_eq!(
        shown(80, long),
        [
            ("name", 25),
            ("snapshots", 20),
            ("taken", 10),
            ("verdict", 21)
        ]
    );
    // What the texts of the other columns leave comes first.
    let some = Needs {
        snapshot: 15,
        changed_short: 6,
        ..Needs::default()
    };
    assert_eq!(
        shown(80, some),
        [
            ("name", 23),
            ("snapshots", 15),
            ("taken", 10),
            ("dirty", 6),
            ("verdict", 21)
        ]
    );
    let quiet = Needs {
        snapshot: 30,
        changed_short: 6,
        status: 4,
        ..Needs::default()
    };
    assert_eq!(
        shown(80, quiet),
        [
            ("name", 25),
            ("snapshots", 30),
            ("taken", 10),
            ("dirty", 6),
            ("verdict", 4)
        ]
    );
    let bytes = Needs {
        units: Units::Bytes,
        name: 50,
        ..Needs::default()
    };
    assert_eq!(
        shown(80, bytes),
        [
            ("name", 34),
            ("snapshots", 12),
            ("dirty", 9),
            ("verdict", 21)
        ]
    );
}

#[test]
fn fitted_columns_fill_the_width_exactly() {
    for width in 46..220 {
        let columns = fit(width, &Needs::default()).columns;
        let sum: u16 = columns.iter().map(|fitted| fitted.width + 1).sum();
        assert_eq!(sum, width, "at {width}");
    }
}

#[test]
fn words_of_columns_come_back() {
    for column in Column::ALL {
        assert_eq!(column.word().parse(), Ok(*column));
    }
}
