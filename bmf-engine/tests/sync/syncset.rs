//! Cases Y: the policy `syncset`.

use crate::play::{check, totals};

/// A node with eight inputs in the sets {a,c,e}, {b,d}, {f}, {g} and {h}. One of the sets may be left
/// out, for what is in no list is a set.
const SETS: [&str; 3] = [
    "[[0,2,4],[1,3],[5],[6],[7]]",
    "[[1,3],[5],[6],[7]]",
    "[[0,2,4],[1,3],[6],[7]]",
];

fn graph(sets: &str) -> String {
    format!(r#"m = mstr(a,b,c,d,e,f,g,h) syncset{{"sets":{sets}}}"#)
}

/// The commands for one set, and what they bring.
const ACE: &str = "
    a 0@0
    c 0@0
    a 0@10
    e 0@0
    c 0@10
    e 0@10
    e 0@20
    a 0@20
    c 0@20
    c 0@30
    a 0@30
    a 0@40
    a 0@50
    c 0@40
    close a
    e 0@40
    c 0@50
    e 0@50
    c 0@60
    c 0@70
    close c
    close e";

const BD: &str = "
    b 0@5
    d 0@7
    b ->8
    d 0@8
    b 0@8
    close b
    d 0@9
    close d";

#[test]
fn y01_a_set_of_three() {
    for sets in SETS {
        insta::allow_duplicates! {
            insta::assert_snapshot!(check(&graph(sets), &format!("{ACE}\nend")), @"
            a 0@0: -
            c 0@0: -
            a 0@10: -
            e 0@0: m=[0 0 empty 0 empty 0 empty empty empty@0]
            c 0@10: -
            e 0@10: m=[10 0 empty 0 empty 0 empty empty empty@10]
            e 0@20: -
            a 0@20: -
            c 0@20: m=[20 0 empty 0 empty 0 empty empty empty@20]
            c 0@30: -
            a 0@30: -
            a 0@40: -
            a 0@50: -
            c 0@40: -
            close a: -
            e 0@40: m=[30 0 empty 0 empty empty empty empty empty@30,40 0 empty 0 empty 0 empty empty empty@40]
            c 0@50: -
            e 0@50: m=[50 0 empty 0 empty 0 empty empty empty@50]
            c 0@60: -
            c 0@70: -
            close c: -
            close e: m=[60 empty empty 0 empty empty empty empty empty@60,70 empty empty 0 empty empty empty empty empty@70]
            end: ok
            ");
        }
    }
}

#[test]
fn y02_a_set_of_two() {
    for sets in SETS {
        insta::allow_duplicates! {
            insta::assert_snapshot!(check(&graph(sets), &format!("{BD}\nend")), @"
            b 0@5: -
            d 0@7: m=[5 empty 0 empty empty empty empty empty empty@5]
            b ->8: m=[7 empty empty empty 0 empty empty empty empty@7]
            d 0@8: -
            b 0@8: m=[8 empty 0 empty 0 empty empty empty empty@8]
            close b: -
            d 0@9: m=[9 empty empty empty 0 empty empty empty empty@9]
            close d: -
            end: ok
            ");
        }
    }
}

#[test]
fn y03_inputs_by_themselves() {
    let times: Vec<i64> = (-10..10).map(|step| 35 * step).collect();
    let script: Vec<String> = times.iter().map(|time| format!("f 1@{time}")).collect();
    let expected = times.iter().map(|time| {
        format!("f 1@{time}: m=[{time} empty empty empty empty empty 1 empty empty@{time}]")
    });
    for sets in SETS {
        let seen = check(&graph(sets), &script.join("\n"));
        assert_eq!(seen, expected.clone().collect::<Vec<_>>().join("\n"));
    }
    let script = "
        g 1@pre
        h 1@post
        end";
    insta::assert_snapshot!(check(&graph(SETS[0]), script), @"
    g 1@pre: m=[pre empty empty empty empty empty empty 1 empty@pre]
    h 1@post: m=[post empty empty empty empty empty empty empty 1@post]
    end: ok
    ");
}

/// Whatever the order between the sets, the tasks of each are the same.
#[test]
fn y04_sets_do_not_disturb_each_other() {
    let lines = |text: &'static str| text.lines().map(str::trim).filter(|line| !line.is_empty());
    let f: Vec<String> = (0..8).map(|time| format!("f 1@{time}")).collect();
    let commands: [Vec<String>; 3] = [
        lines(ACE).map(str::to_owned).collect(),
        lines(BD).map(str::to_owned).collect(),
        f,
    ];
    let mut expected: Option<Vec<String>> = None;
    for seed in 0..20_u64 {
        let script = shuffle(commands.clone(), seed);
        let seen = totals(
            &[2],
            &graph(SETS[usize::try_from(seed % 3).unwrap()]),
            &script,
        );
        let mut tasks: Vec<String> = seen
            .trim_start_matches("m=[")
            .split(',')
            .map(|task| task.trim_end_matches("]\nok").to_owned())
            .collect();
        tasks.sort();
        match &expected {
            None => expected = Some(tasks),
            Some(before) => assert_eq!(*before, tasks, "{script}"),
        }
    }
}

/// The commands of several lists, each in its own order.
fn shuffle(mut lists: [Vec<String>; 3], seed: u64) -> String {
    lists.iter_mut().for_each(|list| list.reverse());
    let mut state = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
    let mut script = Vec::new();
    while lists.iter().any(|list| !list.is_empty()) {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let choice = usize::try_from((state >> 33) % 3).unwrap();
        script.extend(lists[choice].pop().map(|line| format!("{line} no wait")));
    }
    script.push("end".to_owned());
    script.join("\n")
}
