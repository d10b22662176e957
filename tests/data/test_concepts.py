from __future__ import annotations

import tracemalloc
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import FER2013_CLASSES
from workbench.data.concepts import (
    MAX_CONCEPTS,
    Concept,
    ConceptSet,
    bundled_concept_sets,
    load_attributes,
    load_concept_set,
    parse_concept_sets,
    save_concept_set,
    to_yaml,
)
from workbench.errors import ConceptSetError, SpecError

GOOD = """\
name: smiles
classes: [happy, sad]
templates:
  - "a {} face"
concepts:
  - {text: glad, classes: [happy], score: 4}
  - {text: blue, classes: [sad], score: 2}
"""

EXPRESSION_CLASSES = {
    "angry": "Furrowed Brows|Lowered Brows|Narrowed Eyes|Tense Mouth and Jaw|Flared Nostrils|Compressed Lips"
    "|Tightened Facial Muscles",
    "disgust": "Tense Mouth and Jaw|Flared Nostrils|Compressed Lips|Tightened Facial Muscles",
    "fear": "Closed Eyes|Tightened Facial Muscles",
    "happy": "Twinkling or Crinkled Eyes|Smile|Relaxed Mouth and Jaw|Relaxed Facial Muscles",
    "sad": "Drooping Brows|Tearful Eyes|Frown|Downturned Mouth|Closed Eyes|Relaxed Mouth and Jaw",
    "surprise": "Raised Brows|Wide Open Eyes|Slightly Open Mouth|Wide Open Mouth|Slightly Dropped Jaw"
    "|Elevated Upper Eyelids|Slight Chin Raise",
    "neutral": "Relaxed Brows|Relaxed Eyes|Closed Eyes|Relaxed Mouth and Jaw|Slight Chin Raise|Relaxed Facial Muscles",
}


def write(folder: Path, text: str | bytes, name: str = "set.yaml") -> str:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return str(path)


def words(concept_set: ConceptSet, name: str) -> set[str]:
    return {concept.text for concept in concept_set.concepts if name in concept.classes}


# The bundled sets


@pytest.mark.parametrize("name", bundled_concept_sets())
def test_a_bundled_set_names_its_source_and_itself(name: str) -> None:
    for each in load_attributes(name).values():
        assert each.source
        assert each.description
        assert each.name == name
        assert each.membership.any(axis=0).all()


def test_the_bundled_sets_are_these() -> None:
    emotions = ("customer-satisfaction", "emotion-names", "facial-expressions", "fer7", "gray-person")
    assert bundled_concept_sets() == (*emotions, "perceived-attributes", "sentence-ensembles")


@pytest.mark.parametrize("name", [name for name in bundled_concept_sets() if name != "perceived-attributes"])
def test_emotions_stand_in_the_order_of_fer2013(name: str) -> None:
    assert load_concept_set(name).classes == FER2013_CLASSES


def test_fer7_has_one_concept_a_class() -> None:
    assert np.array_equal(load_concept_set("fer7").membership, np.eye(7, dtype=bool))


def test_the_25_expressions_speak_for_the_classes_of_the_study() -> None:
    found = load_concept_set("facial-expressions")
    assert len(found.concepts) == 25
    assert {name: words(found, name) for name in found.classes} == {
        name: set(texts.split("|")) for name, texts in EXPRESSION_CLASSES.items()
    }


def test_the_expressions_are_the_renderers_actions() -> None:
    faces = pytest.importorskip("workbench.data.faces")
    assert tuple(load_concept_set("facial-expressions").texts) == faces.ACTIONS


def test_customer_satisfaction_has_the_studys_words_and_scores() -> None:
    found = load_concept_set("customer-satisfaction")
    assert words(found, "angry") == {"angry", "annoyed", "mad", "enraged"}
    assert words(found, "surprise") == {"surprised", "shock", "astonished", "horrified", "astounded", "stupefied"}
    assert words(found, "fear") == {"fear", "scared", "terrified", "off-put", "horrified", "afraid", "anxious"}
    score = {concept.text: concept.score for concept in found.concepts}
    assert {score[text] for text in ("angry", "enraged", "disgusted", "horrified")} == {1}
    assert {score[text] for text in ("delighted", "bliss", "exhilarated")} == {5}
    assert found.scores is not None
    assert found.scores.min() == 1
    assert found.scores.max() == 5
    assert "gray person expressing {}" in found.templates


def test_sentence_ensembles_have_two_attributes_with_equally_many_words_a_class() -> None:
    emotion = load_concept_set("sentence-ensembles")
    gender = load_concept_set("sentence-ensembles#gender")
    assert (emotion.attribute, gender.attribute) == ("emotion", "gender")
    assert gender.classes == ("female", "male")
    assert len(set(emotion.membership.sum(axis=0))) == len(set(gender.membership.sum(axis=0))) == 1
    assert emotion.default_aggregate == gender.default_aggregate == "vote"
    assert load_concept_set("sentence-ensembles#emotion").fingerprint == emotion.fingerprint


# Reading


def test_a_yaml_file_is_read(tmp_path: Path) -> None:
    found = load_concept_set(write(tmp_path, GOOD))
    assert found.name == "smiles"
    assert found.concepts == (Concept("glad", ("happy",), 4.0), Concept("blue", ("sad",), 2.0))
    assert found.prompts() == [["a glad face", "a blue face"]]
    assert found.membership.tolist() == [[True, False], [False, True]]
    assert found.scores is not None
    assert found.scores.tolist() == [4, 2]


def test_the_name_and_the_template_have_defaults(tmp_path: Path) -> None:
    found = load_concept_set(write(tmp_path, "concepts: [smile, frown]", "my list.yml"))
    assert found.name == "my-list"
    assert found.prompts() == [["smile", "frown"]]
    assert found.classes == ()
    assert found.membership.shape == (2, 0)
    assert found.scores is None


def test_a_text_file_has_one_concept_a_line_and_blank_lines_count_for_nothing(tmp_path: Path) -> None:
    found = load_concept_set(write(tmp_path, "smile\r\n\r\n  wide  open mouth \n# hash\n\n", "words.txt"))
    assert found.texts == ["smile", "wide open mouth", "# hash"]
    assert found.name == "words"


def test_a_byte_order_mark_is_no_part_of_the_first_word(tmp_path: Path) -> None:
    assert load_concept_set(write(tmp_path, b"\xef\xbb\xbfsmile\n", "words.txt")).texts == ["smile"]


@pytest.mark.parametrize("count", [10_000, 20_000])
def test_lists_as_long_as_clip_dissects_are_read(tmp_path: Path, count: int) -> None:
    text = "\n".join(f"word {number}" for number in range(count))
    assert len(load_concept_set(write(tmp_path, text, "words.txt")).concepts) == count


def test_ten_thousand_concepts_in_yaml_are_read(tmp_path: Path) -> None:
    lines = "".join(f"  - {{text: word {number}, classes: [a]}}\n" for number in range(10_000))
    assert load_concept_set(write(tmp_path, "classes: [a]\nconcepts:\n" + lines)).membership.shape == (10_000, 1)


def test_attributes_share_the_top_templates_and_may_have_their_own(tmp_path: Path) -> None:
    text = """\
templates: ["a {} face"]
aggregate: max
attributes:
  mood: {classes: [good], concepts: [{text: fine, classes: [good]}]}
  age: {classes: [old], templates: ["{}"], aggregate: sum, concepts: [{text: aged, classes: [old]}]}
"""
    path = write(tmp_path, text)
    mood, age = load_attributes(path).values()
    assert (mood.attribute, mood.templates, mood.default_aggregate) == ("mood", ("a {} face",), "max")
    assert (age.attribute, age.templates, age.default_aggregate) == ("age", ("{}",), "sum")
    assert load_concept_set(path).attribute == "mood"
    assert load_concept_set(path + "#age").attribute == "age"


def test_a_file_whose_name_holds_a_hash_is_found(tmp_path: Path) -> None:
    assert load_concept_set(write(tmp_path, "smile", "a#b.txt")).texts == ["smile"]


def test_classes_of_concepts_take_the_spelling_of_the_list(tmp_path: Path) -> None:
    found = load_concept_set(write(tmp_path, "classes: [Happy]\nconcepts: [{text: Glad, classes: [hAPPY]}]"))
    assert found.concepts[0] == Concept("Glad", ("Happy",))


# Errors name the file and the line


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("blue", "Glad", 7, "duplicate concept 'Glad' (first on line 6)"),
        ("a {} face", "a face", 4, "template 'a face' has no placeholder; write {} where the concept goes"),
        ("a {} face", "a {emotion} face", 4, "has no placeholder; write {}"),
        ("a {} face", "a {} {face}", 4, "has a brace that is no placeholder"),
        ('  - "a {} face"', '  - "a {} face"\n  - "A {}  face"', 5, "duplicate template 'A {} face' (first on line 4)"),
        ("score: 2", "score: 5.5", 7, "score 5.5 of 'blue' is outside 1 to 5"),
        ("score: 2", "score: 0", 7, "score 0 of 'blue' is outside 1 to 5"),
        ("score: 2", "score: .nan", 7, "score nan of 'blue' is outside 1 to 5"),
        ("score: 2", "score: .inf", 7, "score inf of 'blue' is outside 1 to 5"),
        ("score: 2", "score: high", 7, "score must be a number from 1 to 5, not 'high'"),
        ("score: 2", "score: yes", 7, "score must be a number"),
        (", score: 2", "", 7, "'blue' has no score while others have one"),
        ("[sad], score", "[said], score", 7, "class 'said' is not in the classes list (happy, sad)"),
        ("[sad], score", "[sad, Sad], score", 7, "class 'Sad' is listed twice for one concept"),
        ("[sad], score", "sad, score", 7, "'classes' must be a list, for example [happy], not 'sad'"),
        ("classes: [happy, sad]", "classes: [happy, sad, SAD]", 2, "duplicate class 'SAD' (first on line 2)"),
        ("classes: [happy, sad]\n", "", 5, "class 'happy' is not in the classes list (the file has no 'classes' list)"),
        ("templates:", "tempaltes:", 3, "unknown key 'tempaltes' in the file; did you mean 'templates'?"),
        ("text: blue", "txt: blue", 7, "unknown key 'txt' in a concept; did you mean 'text'?"),
        ("text: blue, ", "", 7, "a concept has no 'text'"),
        ("text: blue", "text: 1", 7, "put the text in quotes"),
        ("text: blue", "text: no", 7, "put the text in quotes"),
        ("text: blue", "text: ''", 7, "a concept is empty"),
        ("text: blue", "text: null", 7, "'text' must be text, not empty"),
        ("text: blue", "text: " + "x" * 301, 7, "a concept has 301 characters; the most is 300"),
        ("text: blue", "text: !!python/object:os.system x", 7, "YAML tags (!) are not read"),
        ("text: blue", "text: &a blue", 7, "YAML anchors (&) and aliases (*) are not read"),
        ("text: blue", "text: blue, text: red", 7, "key 'text' stands twice in one mapping"),
        ("name: smiles", "name: [a]", 1, "'name' must be text, not a list"),
        ("name: smiles", "aggregate: votes", 1, "unknown aggregate 'votes' (known: sum, max, vote"),
        ("  - {text: blue", "  - {text: {a: b}, ", 7, "not valid YAML"),
        ("blue", "bl\x07ue", 7, "control character U+0007"),
        ("name: smiles", "attributes: {}\nname: smiles", 3, "'classes' stands beside 'attributes'"),
    ],
)
def test_an_error_names_file_and_line(tmp_path: Path, old: str, new: str, line: int, message: str) -> None:
    assert old in GOOD
    path = write(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(ConceptSetError) as caught:
        load_concept_set(path)
    text = str(caught.value)
    assert text.startswith(f"{path}:{line}: ")
    assert message in text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "the file is empty"),
        ("# only a remark\n", 1, "the file is empty"),
        ("- smile\n", 1, "'the file' must be a mapping with keys such as 'name:', not a list"),
        ("name: x\n", 1, "there is no 'concepts' list"),
        ("name: x\nconcepts: []\n", 2, "the set has no concepts; list at least one"),
        ("name: x\nconcepts:\n", 2, "'concepts' must be a list of concepts, not empty"),
        ("concepts: [a]\ntemplates: []\n", 2, "'templates' is empty"),
        ("a: b\n---\nc: d\n", 2, "not valid YAML (but found another document)"),
        ("concepts: [a\n", 2, "not valid YAML"),
        ("? [a, b]\n: c\n", 1, "a key must be a word"),
        ("attributes: {}\n", 1, "'attributes' is empty"),
        ("attributes:\n  a b: {concepts: [c]}\n", 2, "'a b' cannot be an attribute's name"),
        ("templates: [x]\nattributes:\n  a: {concepts: [c]}\n", 1, "template 'x' has no placeholder"),
        ("attributes:\n  a:\n    concepts: [c]\n    templates: [x]\n", 4, "template 'x' has no placeholder"),
        ("attributes:\n  a:\n    concepts:\n      - c\n      - C\n", 5, "duplicate concept 'C' (first on line 4)"),
        ("attributes:\n  a: {concepts: [c], name: d}\n", 2, "unknown key 'name' in attribute 'a'"),
        ("a: " + "[" * 20 + "]" * 20, 1, "nested more than 12 deep"),
    ],
)
def test_a_document_of_the_wrong_form_is_refused(tmp_path: Path, text: str, line: int, message: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConceptSetError) as caught:
        load_concept_set(path)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("data", "line", "message"),
    [
        (b"smile\nfrown\nSmile\n", 3, "duplicate concept 'Smile' (first on line 1)"),
        (b"smile\n\n  smile \n", 3, "duplicate concept 'smile' (first on line 1)"),
        (b"smile\nfa\xe7ade\n", 2, "byte 0xe7 is not UTF-8"),
        (b"smile\nb\x00\n", 2, "control character U+0000"),
        (b"\xff\xfes\x00m\x00", 1, "byte 0xff is not UTF-8"),
        (b"", 1, "the set has no concepts"),
        (b"\n \n", 1, "the set has no concepts"),
    ],
)
def test_a_bad_text_file_is_refused(tmp_path: Path, data: bytes, line: int, message: str) -> None:
    path = write(tmp_path, data, "words.txt")
    with pytest.raises(ConceptSetError) as caught:
        load_concept_set(path)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert message in str(caught.value)


def test_more_concepts_than_the_most_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "\n".join(str(number) for number in range(MAX_CONCEPTS + 1)), "words.txt")
    with pytest.raises(ConceptSetError, match=rf"words.txt:{MAX_CONCEPTS + 1}: 50,001 concepts; the most is 50,000"):
        load_concept_set(path)


def test_more_prompts_than_the_most_are_refused() -> None:
    templates = tuple(f"{number} {{}}" for number in range(101))
    with pytest.raises(ConceptSetError, match="1,010,000 prompts; the most is 1,000,000"):
        ConceptSet(name="x", templates=templates, concepts=tuple(Concept(str(number)) for number in range(10_000)))


def test_a_gigantic_file_is_not_read_into_memory(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    with path.open("wb") as file:
        file.truncate(200 * 1024 * 1024)
    tracemalloc.start()
    with pytest.raises(ConceptSetError, match="larger than the 8 MiB"):
        load_concept_set(str(path))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 * 1024 * 1024


def test_a_bomb_of_aliases_is_refused_at_its_first_anchor(tmp_path: Path) -> None:
    lines = ["a0: &a0 [lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 20)]
    path = write(tmp_path, "\n".join(lines))
    with pytest.raises(ConceptSetError, match=r"set\.yaml:1: YAML anchors"):
        load_concept_set(path)


def test_a_missing_file_and_a_folder_are_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConceptSetError, match=r"none\.yaml: cannot be read \(No such file or directory\)"):
        load_concept_set(str(tmp_path / "none.yaml"))
    (tmp_path / "folder.txt").mkdir()
    with pytest.raises(ConceptSetError, match=r"folder\.txt: cannot be read"):
        load_concept_set(str(tmp_path / "folder.txt"))


def test_an_unknown_name_lists_the_bundled_sets_and_the_nearest() -> None:
    with pytest.raises(SpecError, match=r"unknown concept set 'fer8'; did you mean 'fer7'\? \(known: customer-sat"):
        load_concept_set("fer8")
    with pytest.raises(
        SpecError, match=r"unknown attribute .* 'gander'; did you mean 'gender'\? \(known: emotion, gen"
    ):
        load_concept_set("sentence-ensembles#gander")
    with pytest.raises(SpecError, match=r"unknown concept set '\.\./fer7'"):
        load_concept_set("../fer7")


def test_hostile_text_in_an_error_stays_on_one_short_line(tmp_path: Path) -> None:
    path = write(tmp_path, 'concepts: [a]\n"<script>\\n' + "x" * 5000 + '": 1\n')
    with pytest.raises(ConceptSetError) as caught:
        load_concept_set(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < len(path) + 300


# What is made in Python or edited in the app


def test_a_set_made_in_python_is_judged_by_the_same_rules() -> None:
    with pytest.raises(ConceptSetError, match="duplicate concept 'A'"):
        ConceptSet(name="x", concepts=(Concept("a"), Concept("A")))
    with pytest.raises(ConceptSetError, match="the set has no concepts"):
        ConceptSet(name="x", concepts=())


def test_arrays_of_a_set_are_read_only() -> None:
    found = load_concept_set("customer-satisfaction")
    assert found.scores is not None
    for array in (found.membership, found.scores):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_the_fingerprint_is_of_what_changes_results_only(tmp_path: Path) -> None:
    first = load_concept_set(write(tmp_path, GOOD))
    same = load_concept_set(
        write(tmp_path, "description: other\nsource: other\n" + GOOD.replace("smiles", "b"), "c.yml")
    )
    assert same.fingerprint == first.fingerprint
    changes = [("glad", "merry"), ("score: 4", "score: 3"), ("[sad], s", "[happy], s"), ("a {} f", "one {} f")]
    changes += [("[happy, sad]", "[sad, happy]"), ("[happy, sad]", "[happy, sad, calm]")]
    prints = {load_concept_set(write(tmp_path, GOOD.replace(*change))).fingerprint for change in changes}
    assert len(prints | {first.fingerprint}) == len(changes) + 1


@pytest.mark.parametrize("name", bundled_concept_sets())
def test_a_saved_set_reads_back_as_it_was(tmp_path: Path, name: str) -> None:
    sets = load_attributes(name)
    path = tmp_path / "copy.yaml"
    save_concept_set(path, *sets.values())
    assert load_attributes(str(path)) == sets


LETTERS = st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="{}")


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.text(LETTERS, min_size=1, max_size=12).filter(str.strip),
        min_size=1,
        max_size=6,
        unique_by=lambda text: " ".join(unicodedata.normalize("NFC", text).split()).casefold(),
    ),
    st.floats(1, 5),
)
def test_any_text_survives_being_written_as_yaml(texts: list[str], score: float) -> None:
    concepts = tuple(Concept(text, ("k",), score) for text in texts)
    made = ConceptSet(name="x", classes=("k",), templates=(f"{texts[0]} {{}}",), concepts=concepts)
    assert parse_concept_sets(to_yaml(made))[""] == made


def test_edited_text_is_judged_with_its_lines() -> None:
    with pytest.raises(ConceptSetError, match=r"^edited:7: duplicate concept"):
        parse_concept_sets(GOOD.replace("blue", "glad"), "edited")


def test_a_set_is_written_only_as_yaml_and_with_names_for_several_attributes(tmp_path: Path) -> None:
    one = ConceptSet(name="x", concepts=(Concept("a"),))
    with pytest.raises(SpecError, match=r"is written as \.yaml"):
        save_concept_set(tmp_path / "a.txt", one)
    with pytest.raises(SpecError, match="each needs a name of its own"):
        to_yaml(one, one)
