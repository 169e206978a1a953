import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from models.spelling import suggest
from optimizer.case.reading import yaml_tree
from optimizer.case.reading.diagnostics import CaseError, Mistake, Mistakes, Place
from optimizer.case.reading.yaml_tree import load, parse_bool, read


def refused(text, file="case.yaml"):
    with pytest.raises(CaseError) as caught:
        load(text, file)
    return str(caught.value)


def test_scalars_stay_text_and_know_their_place():
    tree = load("a: 1e6\nb: 12:30:45\nc: NO\nd: on\n2026-01: '5'\nnull_: ~\nlist:\n  - x\n  - {k: v}\n", "c.yaml")
    assert tree.plain() == {
        "a": "1e6",
        "b": "12:30:45",
        "c": "NO",
        "d": "on",
        "2026-01": "5",
        "null_": None,
        "list": ["x", {"k": "v"}],
    }
    assert tree["b"].place == Place("c.yaml", 2, 4)
    assert tree.key_place("2026-01") == Place("c.yaml", 5, 1)
    assert tree["list"][1]["k"].place == Place("c.yaml", 9, 9)
    assert tree["2026-01"].style == "quoted" and tree["a"].style == "plain"
    assert tree["null_"].kind == "null" and load("a: ''", "f")["a"].kind == "scalar"
    assert load("a: é: 1".replace("é: 1", "é"), "f")["a"].text == "é"


def test_golden_duplicate_keys_name_both_places():
    assert refused("site:\n  power: 1 MW\n  name: x\n  power: 2 MW\n") == (
        'case.yaml:4:3: site.power: key "power" is given twice: first in line 2, column 3\n'
        "      power: 2 MW\n"
        "      ^\n"
        "    hint: keep one of the two"
    )


def test_all_mistakes_come_at_once_in_order():
    text = "a: &x 1\nb: *x\nc: !!int 3\nd: {<<: *x}\ne: 1\ne: 2\n? [1, 2]\n: 3\n~: 4\nf: {? {a: 1} : 2, g: 1}\n"
    heads = [line for line in refused(text).splitlines() if line.startswith("case.yaml")]
    assert heads == [
        "case.yaml:1:4: a: anchor &x: anchors and aliases are not used here",
        "case.yaml:2:4: b: alias *x: write the value out, aliases are not used here",
        "case.yaml:3:4: c: tag !!int: tags are not used here, the field gives the type",
        "case.yaml:4:5: d: merge key <<: write the keys out, merging is not used here",
        "case.yaml:4:9: d: alias *x: write the value out, aliases are not used here",
        'case.yaml:6:1: e: key "e" is given twice: first in line 5, column 1',
        "case.yaml:7:3: a list cannot be a key: keys are text",
        "case.yaml:9:1: nothing cannot be a key: keys are text",
        "case.yaml:10:7: f: a mapping cannot be a key: keys are text",
    ]


def test_what_follows_a_refused_key_is_read_on():
    with pytest.raises(CaseError) as caught:
        load("a: {x: 1}\na: {x: [1, {y: 2}], x: 3}\nb: 1\nb: 2\n", "f")
    assert [(m.path, m.place.line) for m in caught.value.mistakes] == [("a", 2), ("a.x", 2), ("b", 4)]


@pytest.mark.parametrize(
    ("text", "head"),
    [
        ("a: 1\n---\nb: 2\n", "case.yaml:2:1: a second document begins here: one case, one document"),
        ("", "case.yaml:1:1: the file is empty"),
        ("# only a comment\n", "case.yaml:1:1: the file is empty"),
        ("a:\n\tb: 1\n", "case.yaml:2:1: a tab cannot indent YAML"),
        ("a: b: c\n", "case.yaml:1:5: not valid YAML: a second `:` in one value"),
        ("a: @home\n", "case.yaml:1:4: not valid YAML: `@` cannot begin a value"),
        ("a: 1\nb: x\0y\n", "case.yaml:2:5: NUL is not allowed in YAML"),
        ("a: \x07\n", "case.yaml:1:4: character U+0007 is not allowed in YAML"),
        ("a: \ud800\n", "case.yaml:1:4: character U+D800 is not allowed in YAML"),
        (b"a: 1\nb: caf\xe9\n", "case.yaml:2:7: byte 0xe9 is not UTF-8"),
        (b"\xff\xfea\0", "case.yaml:1:1: byte 0xff is not UTF-8"),
        ("[" * 10_000, "case.yaml:1:33: nested deeper than 32 levels"),
        ("{a: " * 10_000, "case.yaml:1:129: nested deeper than 32 levels"),
        ("x" * 4_000_001, "case.yaml:1:1: larger than 4 MB"),
        (b"x" * 4_000_001, "case.yaml:1:1: larger than 4 MB"),
        ("a: !!python/object/apply:os.system [ls]\n", "case.yaml:1:4: a: tag !!python/object/apply:os.system: tags are"),
    ],
)
def test_golden_refusals(text, head):
    assert refused(text).splitlines()[0].startswith(head)


@pytest.mark.parametrize("text", ["a: [1, 2\nb: 3\n", "a: 'open\n", "- a\nb: 1\n", "a: {b: 1\n", "%YAML 3.0\n---\na: 1\n"])
def test_broken_yaml_is_a_mistake_with_a_place(text):
    assert refused(text).startswith("case.yaml:")
    assert "not valid YAML" in refused(text)


def test_the_pure_python_parser_gives_the_same_places(monkeypatch):
    texts = ["a: b: c\n", "a:\n\tb: 1\n", "a: @x\n", "a: 1\na: 2\n"]
    fast = [refused(text) for text in texts]
    monkeypatch.delattr(yaml, "CSafeLoader")
    assert [refused(text) for text in texts] == fast


def test_32_levels_are_allowed_and_33_are_not():
    assert load("[" * 32 + "]" * 32, "f").kind == "list"
    assert "nested deeper" in refused("[" * 33 + "]" * 33)


def test_too_many_values(monkeypatch):
    monkeypatch.setattr(yaml_tree, "MOST_NODES", 10)
    assert "case.yaml:1:29: [9]: more than 10 values" in refused("[" + "1, " * 9 + "1, 1]")


def test_alias_bombs_cost_nothing():
    bomb = "a: &a [x, x]\n" + "".join(f"{c}: &{c} [*{p}, *{p}]\n" for p, c in zip("abcdefghij", "bcdefghijk", strict=True))
    assert "alias *a" in refused(bomb)


def test_a_file_wrong_all_over_stops_early():
    with pytest.raises(CaseError) as caught:
        load("".join("a: 1\n" for _ in range(1000)), "f")
    assert len(caught.value.mistakes) == yaml_tree.MOST_MISTAKES


def test_reading_files(tmp_path):
    (tmp_path / "c.yaml").write_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    tree, text = read(tmp_path / "c.yaml", "c.yaml")
    assert tree.plain() == {"a": "1", "b": "2"} and tree["b"].place == Place("c.yaml", 2, 4)
    assert text.startswith("a")
    with pytest.raises(CaseError, match=r"none.yaml:1:1: cannot be read: no such file"):
        read(tmp_path / "none.yaml", "none.yaml")
    with pytest.raises(CaseError, match=r"is a folder"):
        read(tmp_path, "x")


def test_bools_are_true_and_false_only():
    tree = load("{a: true, b: false, c: 'true', d: yes, e: True, f: [1]}", "f")
    assert parse_bool(tree["a"]) is True and parse_bool(tree["b"]) is False
    for key in "cdef":
        with pytest.raises(ValueError, match="write true or false"):
            parse_bool(tree[key])


TREES = st.recursive(
    st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufeff\ufffe\uffff"), max_size=8),
    lambda child: st.lists(child, max_size=3) | st.dictionaries(st.text("abcü -:#", max_size=5), child, max_size=3),
    max_leaves=12,
)


@given(TREES, st.booleans())
def test_what_pyyaml_writes_reads_back_as_the_same_text(tree, flow):
    class Plain(yaml.SafeDumper):
        def ignore_aliases(self, data):
            return True

    # Quoted, so that no text turns into a null.
    text = yaml.dump(tree, Dumper=Plain, default_flow_style=flow, default_style='"', allow_unicode=True)
    assert load(text.replace("!!null", ""), "f").plain() == tree


@given(st.text(max_size=60) | st.text("{}[]:,-?&*!|>'\"%@` \n#a1", max_size=60))
def test_any_text_is_a_tree_or_a_case_error(text):
    try:
        load(text, "f")
    except CaseError as problem:
        assert str(problem).startswith("f:")


@given(st.binary(max_size=60))
def test_any_bytes_are_a_tree_or_a_case_error(data):
    try:
        load(data, "f")
    except CaseError as problem:
        assert str(problem).startswith("f:")


def test_suggestions():
    assert suggest("financng", ["financing", "fleet"]) == "financing"
    assert suggest("usd/mwh", ["USD/MW", "USD/MWh"]) == "USD/MWh"
    assert suggest("zzz", ["financing"]) is None


def test_errors_are_sorted_and_told_once():
    here, there = Place("a.yaml", 2, 1), Place("a.yaml", 10, 3)
    error = CaseError([Mistake(there, "x", "late"), Mistake(here, "y", "early"), Mistake(there, "x", "late")])
    assert str(error) == "a.yaml:2:1: y: early\na.yaml:10:3: x: late"
    found = Mistakes()
    found.raise_if_any()
    found.extend(error)
    with pytest.raises(CaseError, match="early"):
        found.raise_if_any()


def test_a_long_line_is_cut_around_the_caret():
    text = "a" * 500 + "!" + "b" * 500
    shown = str(CaseError([Mistake(Place("f", 1, 501), "", "odd")], {"f": text})).splitlines()
    assert len(shown[1]) < 200 and shown[1][shown[2].index("^")] == "!"
