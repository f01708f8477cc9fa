"""The committed figures are whole, follow from their own samples, and are those README shows."""

import json
import re

import numpy as np
import pytest

from tests.support import ROOT
from tools import write_figures
from tools.evaluate_benchmark import BENCHMARKS
from tools.measure_one_click import METHODS as ONE_CLICK_METHODS
from tutorial_lib.deep.latent_diversity.segmenter import SIZES
from tutorial_lib.evaluation.ablations import (
    FIGURE_5,
    TABLE_3,
    paired_difference,
    read_ablations,
    summary,
    write_ablations,
)
from tutorial_lib.evaluation.fair import read_fair, write_fair
from tutorial_lib.evaluation.one_click import read_one_click, write_one_click
from tutorial_lib.evaluation.oracle import MIN_CLICKS
from tutorial_lib.evaluation.published import published_noc
from tutorial_lib.evaluation.records import to_plain
from tutorial_lib.evaluation.results import read_results, write_results
from tutorial_lib.evaluation.selectors import (
    read_extras,
    read_selection,
    read_sizes,
    write_extras,
    write_selection,
    write_sizes,
)
from tutorial_lib.evaluation.speed.results import read_bench
from tutorial_lib.metrics import clicks_to_reach, mean_iou_curve
from tutorial_lib.registry import methods
from tutorial_lib.training.latent_diversity.recipes import ABLATIONS
from tutorial_lib.training.settings import with_current_names

pytestmark = pytest.mark.slow

RESULTS = ROOT / "assets" / "results"


def write_bench(results, path):
    path.write_text(json.dumps(to_plain(results), indent=2) + "\n")


#: Each kind of file, with its reader and its writer.
KINDS = {
    **{f"{name}_*.json": (read_results, write_results) for name in BENCHMARKS},
    "dos_stages.json": (read_results, write_results),
    "one_click.json": (read_one_click, write_one_click),
    "ablations*.json": (read_ablations, write_ablations),
    "bench*.json": (read_bench, write_bench),
    "selection.json": (read_selection, write_selection),
    "extras.json": (read_extras, write_extras),
    "sizes.json": (read_sizes, write_sizes),
    "fair.json": (read_fair, write_fair),
}


@pytest.mark.parametrize("pattern", KINDS)
def test_a_file_that_is_read_and_written_again_stays_the_same(pattern, tmp_path):
    read, write = KINDS[pattern]
    for path in RESULTS.glob(pattern):
        write(read(path), tmp_path / path.name)
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


PAPERS_METHODS = write_figures.CLASSICAL
ROBOTS, NOC = write_figures.ROBOTS, write_figures.THRESHOLDS
TIMES = read_bench(RESULTS / "bench.json").methods
FILES = pytest.mark.parametrize("robot", ROBOTS)


def measured(robot, part=""):
    return read_results(RESULTS / f"grabcut_{robot}{part}.json")


def check_commit(commit):
    assert not commit.endswith("+"), "measured with code that was never committed"


def check_protocol(results, robot):
    assert (results.dataset, results.robot) == ("grabcut", robot)
    assert results.max_clicks == 20
    for commit in results.commits:
        check_commit(commit)


def networks(robot):
    return measured(robot, "_networks").methods


@FILES
def test_every_classical_method_of_the_papers_was_measured_on_all_49_photos(robot):
    results = measured(robot)
    check_protocol(results, robot)
    for name in PAPERS_METHODS:
        assert len(results.methods[name].samples) == 49


@FILES
@pytest.mark.parametrize("benchmark", BENCHMARKS)
def test_both_robots_used_every_classical_method_on_every_benchmark(benchmark, robot):
    classical = {info.name for info in methods() if info.kind == "classical"}
    assert read_results(RESULTS / f"{benchmark}_{robot}.json").methods.keys() == classical


@FILES
def test_the_summaries_follow_from_the_samples(robot):
    for method in (*measured(robot).methods.values(), *networks(robot).values()):
        runs = [sample.iou for sample in method.samples.values()]
        for percent, noc in method.noc.items():
            counts = [clicks_to_reach(run, int(percent) / 100) for run in runs]
            assert noc == pytest.approx(np.mean(counts))
        assert method.miou == pytest.approx(mean_iou_curve(runs))
        for sample in method.samples.values():
            assert len(sample.clicks) == len(sample.iou) <= 20


@pytest.mark.parametrize("name", PAPERS_METHODS)
def test_the_center_robot_needs_at_most_a_fifth_more_clicks_than_the_papers_print(name):
    printed = max(published_noc("grabcut", 90, name).values())
    assert measured("center").methods[name].noc["90"] <= 1.2 * printed


def test_readme_shows_these_figures():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in PAPERS_METHODS:
        for robot in ROBOTS:
            noc = measured(robot).methods[name].noc
            assert f"| `{name}` | {noc['85']:.2f} / {noc['90']:.2f} | " in readme
        assert f"| `{name}` | - | {TIMES[name].ms_click:.0f} | " in readme


def test_a_file_is_enough_to_fill_its_cells(tmp_path):
    """A tenth of COCO-800, as the classical methods get it, and networks that differ in clicks."""
    ids = [f"{name}0{n}_7" for name in ("dog", "wine-glass") for n in range(4)]

    def put(name, change, methods):
        plain = json.loads((RESULTS / "grabcut_center.json").read_text()) | change
        one = plain["methods"]["graph-cut"]
        plain["methods"] = {
            label: one
            | {"noc": {"85": count, "90": count}, "miou": [0.5] * 20}
            | {"samples": {key: {"clicks": clicks, "iou": ious} for key in ids}}
            for label, count in methods.items()
            for clicks, ious in [([[0, 0, True]] * count, [0.5] * (count - 1) + [0.95])]
        }
        (tmp_path / name).write_text(json.dumps(plain))

    part = {"subset": {"every": 100, "of": 800}}
    put("coco-800_center.json", part, {"graph-cut": 9})
    put("coco-800_center_networks.json", {}, {"dos": 4, "latent-diversity": 2})
    table = write_figures.clicks_table("center", tmp_path)
    assert "| `graph-cut` | not yet | not yet | not yet | 9.00 / 9.00, n = 8 |" in table
    assert "| *Xu et al.* | - / 11.10 | - / 14.33 | - | 18.67 seen, 17.80 unseen / - |" in table
    assert not any("9.00" in line for line in write_figures.clicks_table("geodesic", tmp_path))
    apart = "-2.00 [-2.00, -2.00], holds"
    assert f"| COCO | `center` | {apart} | {apart} | 8 | -1.21 / -1.10 |" in (
        write_figures.differences_table(tmp_path)
    )
    first = "0.500, n = 4"
    assert f"| `dos` | {first} | {first} | not yet | not yet | 0.484 | 0.429 |" in (
        write_figures.first_click_table(tmp_path)
    )


MEASURED = [path for name in BENCHMARKS for path in sorted(RESULTS.glob(f"{name}_*.json"))]


@pytest.mark.parametrize("path", MEASURED, ids=lambda path: path.stem)
def test_a_benchmark_was_measured_on_all_objects_or_on_those_of_its_rule(path):
    found, name = read_results(path), path.name.partition("_")[0]
    check_commit(found.commit)
    counts = {len(method.samples) for method in found.methods.values()}
    if found.subset is not None:
        every, of = found.subset.every, found.subset.of
        assert of == write_figures.SIZES[name]
        assert counts == {len(range(0, of, every))}
    elif name in write_figures.SIZES:
        assert counts == {write_figures.SIZES[name]}


def stages():
    return read_results(RESULTS / "dos_stages.json")


def test_the_three_strides_were_measured_with_and_without_graph_cut():
    results = stages()
    check_protocol(results, "center")
    names = {f"dos-{stride}s{cut}" for stride in (8, 16, 32) for cut in ("", " + graph cut")}
    assert results.methods.keys() == names
    assert all(len(found.samples) == 49 for found in results.methods.values())


def test_finer_is_better_and_a_graph_cut_helps():
    noc = {name: found.noc["90"] for name, found in stages().methods.items()}
    for cut in ("", " + graph cut"):
        assert noc[f"dos-8s{cut}"] <= noc[f"dos-16s{cut}"] < noc[f"dos-32s{cut}"]
    for stride in (8, 16, 32):
        assert noc[f"dos-{stride}s + graph cut"] < noc[f"dos-{stride}s"]


def test_dos_needs_fewer_clicks_than_the_papers_print():
    found = stages().methods["dos-8s + graph cut"].noc
    assert found["85"] <= 3.0
    assert found["90"] <= 4.5 < min(published_noc("grabcut", 90, "dos").values())


def test_networks_answer_in_time():
    times = read_bench(RESULTS / "bench_deep.json").methods
    assert times["dos-no-graph-cut"].ms_click < 150
    assert times["dos"].ms_click < 300
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"{times['dos'].ms_click:.0f} ms a click" in readme
    assert f"{times['dos-no-graph-cut'].ms_click:.0f} without graph cut" in readme


def test_readme_shows_the_networks_figures():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for stride in (32, 16, 8):
        row = re.search(rf"^\| FCN-{stride}s" + r" \| ([\d.]+)" * 4 + r" \|", readme, re.M)
        pair = [stages().methods[f"dos-{stride}s{cut}"].noc for cut in ("", " + graph cut")]
        assert row.groups() == tuple(f"{noc[key]:.2f}" for noc in pair for key in NOC)


LATENT = write_figures.LATENT


@FILES
def test_every_network_that_answers_clicks_was_measured_on_all_49_photos(robot):
    results = measured(robot, "_networks")
    check_protocol(results, robot)
    for name in (*LATENT, "dos", "dos-no-graph-cut"):
        assert len(results.methods[name].samples) == 49


def test_latent_diversity_needs_fewer_clicks_than_the_papers_print():
    found = networks("center")["latent-diversity"].noc
    assert found["85"] <= 3.0
    assert found["90"] <= 4.2 < min(published_noc("grabcut", 90, "latent-diversity").values())


def test_with_latent_diversity_the_first_ten_clicks_all_help_and_none_does_harm():
    gains = np.diff(networks("center")["latent-diversity"].miou)
    assert len(gains) == 19
    assert np.all(gains[:9] > 0)
    assert np.all(gains > -0.002)


def test_readme_shows_the_figures_of_latent_diversity():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    times = read_bench(RESULTS / "bench_deep.json").methods
    for name in LATENT:
        for robot in ROBOTS:
            noc = networks(robot)[name].noc
            assert f"| `{name}` | {noc['85']:.2f} / {noc['90']:.2f} | " in readme
        assert f"| `{name}` | {times[name].ms_first:.0f} | {times[name].ms_click:.0f} | " in readme


CHOOSING = pytest.mark.parametrize("name", ["GrabCut", "iseg-voc"])


def choosing(name):
    return read_selection(RESULTS / "selection.json").datasets[name]


@CHOOSING
def test_selecting_beats_every_fixed_candidate_and_recovers_what_the_file_says(name):
    found = choosing(name)
    check_commit(found.commit)
    assert found.objects == {"GrabCut": 49, "iseg-voc": 51}[name]
    for key in NOC:
        counts = {selector: figures.noc[key] for selector, figures in found.selectors.items()}
        fixed = min(count for selector, count in counts.items() if selector.startswith("candidate"))
        assert counts["oracle"] < counts["g"] < fixed
        part = (fixed - counts["g"]) / (fixed - counts["oracle"])
        assert part == pytest.approx(found.recovered[key], abs=2e-3)
        assert part >= {"GrabCut": 0.5, "iseg-voc": 2 / 3}[name]


@CHOOSING
def test_every_click_helps_and_is_obeyed(name):
    figures = choosing(name).selectors["g"]
    assert figures.clicked_pixels_right >= 0.98
    assert np.all(np.diff(figures.miou) > 0)


def test_zooming_and_mirroring_were_measured_on_objects_of_three_sizes():
    found = read_extras(RESULTS / "extras.json")
    check_commit(found.commit)
    assert found.sets.keys() == {"as they are", "a third as long", "small parts"}
    for part in found.sets.values():
        assert part.settings.keys() == {"plain", "zoom", "flip", "zoom + flip"}


def test_several_working_sizes_were_measured():
    found = read_sizes(RESULTS / "sizes.json")
    check_commit(found.commit)
    sizes = [int(size) for size in found.sizes]
    assert sizes == sorted(sizes)
    assert SIZES["lite"] in sizes
    clicks = [figures.ms_click for figures in found.sizes.values()]
    assert clicks[0] < clicks[-1]


def test_no_method_was_slower_than_its_peer_or_its_target():
    targets = {"random-walker": 350, "growcut": 500}
    for name in PAPERS_METHODS:
        assert TIMES[name].ms_click < targets.get(name, 150)
        assert not (TIMES[name].peer and TIMES[name].peer.we_are_slower)


def test_one_click_was_given_to_every_method_on_both_sets():
    measured = read_one_click(RESULTS / "one_click.json")
    check_commit(measured.commit)
    datasets = {part: found.dataset for part, found in measured.sets.items()}
    assert datasets == {"seen": "clothing-co-parsing", "unseen": "iseg-voc"}
    assert measured.sets["unseen"].objects == 102
    for found in measured.sets.values():
        assert set(found.miou) == set(ONE_CLICK_METHODS)


def test_names_do_not_reach_beyond_the_kinds_they_were_learned_for():
    """What notebook 07 says of Table 2 of Xu et al. holds for our figures too."""
    seen, unseen = (
        read_one_click(RESULTS / "one_click.json").sets[part].miou for part in ("seen", "unseen")
    )
    for name in ("semantic-fcn", "semantic-crf-rnn"):
        assert unseen[name] < seen[name]
        assert unseen[name] < unseen["dos"]


ABLATION_FILES = ("ablations.json", "ablations_toy.json")


@pytest.mark.parametrize("name", ABLATION_FILES)
def test_every_ablation_was_measured_and_with_one_budget(name):
    recipes = read_ablations(RESULTS / name).recipes
    assert set(recipes) == set(ABLATIONS)
    assert len({row.images for row in recipes.values()}) == 1
    for recipe, row in recipes.items():
        changes = with_current_names(row.changes)
        assert changes == ABLATIONS[recipe], f"{recipe} was another component when measured"


def test_the_readme_says_what_the_ablations_on_photos_came_to():
    recipes = read_ablations(RESULTS / "ablations.json").recipes
    full = recipes["full"]
    ranges = [paired_difference(recipes[name], full)[1:] for name in TABLE_3 if name != "full"]
    worse = sum(low > 0 for low, _ in ranges)
    undecided = sum(low <= 0 <= high for low, high in ranges)
    words = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight"]
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert worse + undecided == len(ranges)
    said = (
        f"of the {words[len(ranges)]} rows of Table 3 {words[worse]} cost clicks as in the paper, "
    )
    assert f"{said}{words[undecided]} are undecided." in readme
    clicks = [f"{summary(recipes[name]).noc['85']:.1f}" for name in FIGURE_5]
    heads = list(map(str, FIGURE_5.values()))
    told = (f"{', '.join(texts[:-1])} and {texts[-1]}" for texts in (heads, clicks))
    assert "With {} candidates a user needs {} clicks to 85 %".format(*told) in readme


@pytest.mark.parametrize("name", ABLATION_FILES)
def test_the_summaries_of_ablations_follow_from_their_counts(name):
    found = read_ablations(RESULTS / name)
    for row in found.recipes.values():
        assert row.shown in row.selectors or row.heads == 1
        for found_with in row.selectors.values():
            assert len(found_with.miou) == MIN_CLICKS
            for percent, counts in found_with.counts.items():
                assert len(counts) == found.protocol.objects
                assert found_with.noc[percent] == pytest.approx(np.mean(counts), abs=1e-3)


def test_readme_and_cards_show_the_measured_figures():
    for path, text in write_figures.written().items():
        shown = path.read_text(encoding="utf-8").splitlines()
        different = [line for line in text.splitlines() if line not in shown]
        assert not different, f"{path.name} shows other figures: run `make tables`"


def test_the_tool_that_writes_figures_changes_numbers_and_no_words():
    text = "| one | 1.00 | 2 / 3 | - | 9 |\n| one | words |\nIt takes 5 ms.\n"
    row = write_figures.Row("file", "one", ["4.25", "7 / 8", "1.0%"])
    sentence = write_figures.Sentence("file", "It takes {} ms.", ["6"])
    changed = sentence.put_into(row.put_into(text))
    assert changed == "| one | 4.25 | 7 / 8 | 1.0% | 9 |\n| one | words |\nIt takes 6 ms.\n"


def test_a_table_between_comments_is_written_as_a_whole():
    text = "a\n<!-- table: t -->\n\n| old |\n\n<!-- end -->\nb\n"
    changed = write_figures.Block("file", "t", ["| 1 |", "| 2 |"]).put_into(text)
    assert changed == text.replace("| old |", "| 1 |\n| 2 |")


@pytest.mark.parametrize("text", ["", "| two | 1.00 |\n", "| one | 1.00 |\n| one | 2.00 |\n"])
def test_a_figure_that_has_no_place_or_two_is_an_error(text):
    with pytest.raises(ValueError, match="places for 'one', not one"):
        write_figures.Row("file", "one", ["4.25"]).put_into(text)


def precisions(found):
    """Return every precision that a file of figures names, at whatever place."""
    if isinstance(found, dict):
        own = {value for key, value in found.items() if key == "precision"}
        return own.union(*map(precisions, found.values()))
    return set().union(*map(precisions, found)) if isinstance(found, list) else set()


def test_readme_names_the_files_whose_networks_answered_in_bfloat16():
    files = {path.name: json.loads(path.read_text()) for path in RESULTS.glob("*.json")}
    half = {name for name, found in files.items() if "bfloat16" in precisions(found) - {"float32"}}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    sentence = re.search(r"Still measured in bfloat16 is ([^:]+):", readme)
    assert set(re.findall(r"\w+\.json", sentence[1])) == half - {"bench.json", "bench_deep.json"}


@pytest.mark.parametrize("robot", ROBOTS)
def test_networks_were_measured_in_float32(robot):
    results = measured(robot, "_networks")
    assert results.precision == "float32"
    assert {method.precision for method in results.methods.values()} == {"float32"}


@CHOOSING
def test_selecting_was_measured_in_float32(name):
    assert choosing(name).precision == "float32"
