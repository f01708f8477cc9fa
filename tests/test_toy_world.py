"""Scenes whose every reading is known: masks that fit together, pictures to be had again."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import one_sentence
from tutorial_lib.data.toy_world import ToyWorld, toy_kinds, toy_scene
from tutorial_lib.data.toys import built, companions, food, grown
from tutorial_lib.data.toys.canvas import PATTERNS, layers, owners, painted
from tutorial_lib.data.toys.strokes import Paint, PaintedShape, Pen, box, ellipse
from tutorial_lib.evaluation.accuracy import evaluate
from tutorial_lib.users.robots import center

SMALL = (96, 128)
KIND = pytest.mark.parametrize("kind", toy_kinds())
SEEDS = st.integers(0, 10_000)


def scenes(kind=None, count=12, size=SMALL):
    return [toy_scene(seed, size, kind) for seed in range(count)]


def equal(one, other):
    return (
        np.array_equal(one.image, other.image)
        and np.array_equal(one.owner, other.owner)
        and one.parents == other.parents
    )


# -- what a scene promises -----------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_parts_lie_within_their_wholes_and_share_no_pixel(seed):
    scene = toy_scene(seed, SMALL)
    masks = scene.masks
    for name in scene.names:
        parts = [masks[part] for part in scene.parts(name)]
        assert not np.any([part & ~masks[name] for part in parts])
        assert not parts or np.max(np.sum(parts, axis=0)) == 1
    assert np.max(np.sum([masks[name] for name in scene.things], axis=0)) == 1


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.integers(0, SMALL[0] - 1), st.integers(0, SMALL[1] - 1))
def test_the_readings_of_a_click_are_exactly_the_masks_it_lies_in(seed, row, col):
    scene = toy_scene(seed, SMALL)
    readings = scene.readings(row, col)
    assert set(readings) == {name for name, mask in scene.masks.items() if mask[row, col]}
    areas = [int(scene.mask(name).sum()) for name in readings]
    assert areas == sorted(set(areas))  # from part to whole, each larger than the one before
    assert (scene.owner[row, col] == 0) == (readings == [])


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_every_reading_is_another_mask_and_large_enough_to_click(seed):
    masks = list(toy_scene(seed, SMALL).masks.values())
    assert len({mask.tobytes() for mask in masks}) == len(masks)
    assert min(mask.sum() for mask in masks) >= 6


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_what_else_there_is_to_click_is_apart_from_what_is_meant(seed):
    scene = toy_scene(seed, SMALL)
    for name in scene.names:
        together = np.sum([scene.mask(name), *scene.others(name)], axis=0)
        assert together.max() == 1
        # Only what a whole shows of itself, beside its parts, is no object of its own.
        assert not (together > (scene.owner > 0)).any()


def test_the_others_of_a_whole_thing_are_the_other_things():
    scene = next(scene for scene in scenes() if len(scene.things) > 1)
    others = scene.others(scene.kind)
    assert [mask.tobytes() for mask in others] == [
        scene.mask(name).tobytes() for name in scene.things if name != scene.kind
    ]


def test_a_click_on_a_door_may_mean_the_door_the_front_or_the_house():
    scene = toy_scene(0, kind="house")
    click = center(np.zeros_like(scene.mask("door")), scene.mask("door"))
    assert scene.readings(click.row, click.col)[-3:] == ["door", "front", "house"]


def test_a_yolk_is_in_an_egg_in_the_food_of_a_meal():
    scene = next(scene for scene in scenes("meal") if "yolk" in scene.names)
    row, col = np.argwhere(scene.mask("yolk"))[0]
    assert scene.readings(row, col) == ["yolk", "egg", "food", "meal"]


@KIND
def test_the_main_thing_is_there_and_has_parts(kind):
    for scene in scenes(kind):
        assert scene.names[0] == scene.kind == kind
        assert scene.mask(kind).mean() > 0.05
        assert len(scene.parts(kind)) >= 2


def test_seeds_go_through_the_kinds_in_turn():
    assert [toy_scene(seed, (48, 48)).kind for seed in range(7)] == toy_kinds()


def test_left_and_right_are_those_of_the_picture():
    pairs = [("house", "window"), ("butterfly", "wing"), ("person", "shoe")]
    seen = 0
    for kind, part in pairs:
        for scene in scenes(kind):
            names = f"left-{part}", f"right-{part}"
            if set(names) <= set(scene.names):
                left, right = (np.nonzero(scene.mask(name))[1].mean() for name in names)
                assert left < right
                seen += 1
    assert seen > 20


def test_most_things_have_company():
    assert 25 <= sum(len(scene.things) > 1 for scene in scenes(count=40)) <= 38


def test_colour_alone_does_not_decide():
    """A jacket has now and then the colour of what is behind it, and now and then another."""
    apart = []
    for scene in scenes("person", 25):
        jacket, background = scene.mask("jacket"), scene.owner == 0
        means = [scene.image[mask].mean(axis=0) for mask in (jacket, background)]
        apart.append(np.linalg.norm(means[0] - means[1]))
    assert min(apart) < 40 < 80 < max(apart)


# -- the same scene again ------------------------------------------------------------------------


@KIND
def test_same_seed_same_scene(kind):
    assert equal(toy_scene(5, SMALL, kind), toy_scene(5, SMALL, kind))


def test_scenes_stay_what_they_were():
    """A seed is a promise: lessons and results name scenes by it."""
    scene = toy_scene(0, SMALL)
    assert scene.parents == {
        "house": None,
        "roof": "house",
        "chimney": "house",
        "front": "house",
        "door": "front",
        "door-window": "door",
        "windows": "front",
        "right-window": "windows",
        "left-window": "windows",
        "ball": None,
        "ball-star": "ball",
    }
    assert abs(int(scene.mask("house").sum()) - 4434) <= 8
    assert np.abs(scene.image.mean(axis=(0, 1)) - (133.9, 128.8, 125.6)).max() < 0.5


def test_another_seed_another_scene():
    assert len({scene.image.tobytes() for scene in scenes("house")}) == 12


def test_giving_the_kind_a_seed_has_anyway_changes_nothing():
    assert equal(toy_scene(1, SMALL), toy_scene(1, SMALL, "person"))


@pytest.mark.parametrize("size", [(48, 48), (48, 200), (201, 63), (333, 500)])
def test_any_size(size):
    for seed in range(7):
        scene = toy_scene(seed, size)
        assert scene.image.shape == (*size, 3)
        assert scene.image.dtype == scene.owner.dtype == np.uint8
        assert scene.owner.shape == size
        assert scene.kind in scene.things


def test_a_scene_is_the_same_at_twice_the_size():
    small, large = toy_scene(2, (120, 160)), toy_scene(2, (240, 320))
    one, other = small.mask(small.kind), large.mask(small.kind)[1::2, 1::2]
    assert (one & other).sum() / (one | other).sum() > 0.95


# -- strokes and canvas --------------------------------------------------------------------------


def owned(*strokes, size=(8, 8)):
    return owners(layers(strokes, size), {"a": 1, "b": 2}, size)


def stroke(outline, part, **options):
    return PaintedShape(outline, Paint((200, 100, 50), noise=0), part, **options)


def test_a_box_owns_its_pixels():
    expected = np.zeros((8, 8), int)
    expected[2:4, 3:7] = 1
    assert owned(stroke(box(2 / 8, 3 / 8, 4 / 8, 7 / 8), "a")).tolist() == expected.tolist()


def test_the_uppermost_stroke_owns_a_pixel():
    below, above = stroke(box(0, 0, 1, 1), "a"), stroke(box(0.5, 0, 1, 1), "b")
    assert owned(below, above)[:, 0].tolist() == [1, 1, 1, 1, 2, 2, 2, 2]
    assert owned(above, below).min() == owned(above, below).max() == 1


def test_a_pixel_belongs_to_what_covers_half_of_it():
    assert owned(stroke(box(0, 0, 1, 3.75 / 8), "a"))[0].tolist() == [1, 1, 1, 1, 0, 0, 0, 0]
    assert owned(stroke(box(0, 0, 1, 3.25 / 8), "a"))[0].tolist() == [1, 1, 1, 0, 0, 0, 0, 0]


def test_a_shadow_owns_nothing():
    thing, shadow = stroke(box(0, 0, 1, 1), "a"), stroke(box(0, 0, 1, 1), None, softness=0.1)
    assert (owned(thing, shadow) == 1).all()


def test_strokes_outside_the_picture_are_left_out():
    assert layers([stroke(ellipse(-3, 0.5, 1, 1), "a")], (8, 8)) == []


def test_an_edge_is_smooth():
    half = painted(
        layers(
            [stroke(box(0, 0, 1, 1), None), PaintedShape(box(0, 0, 1, 0.5625), Paint((0, 0, 0)))],
            (8, 8),
        ),
        (8, 8),
        seed=0,
    )[4, :, 0]
    assert half[3] < 20 < half[4] < 170 < half[5]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_patterns_mix_two_colours(pattern):
    size = (64, 64)
    paint = Paint((0, 0, 0), (255, 255, 255), pattern, 0.3, noise=0)
    image = painted(layers([PaintedShape(box(0, 0, 1, 1), paint)], size), size, seed=3)
    assert image.std() > 10


def test_no_two_things_have_parts_of_the_same_name():
    drawn = [built.house, built.car, built.boat, grown.person, grown.plant, grown.butterfly]
    drawn += [food.meal, companions.tree, companions.bush, companions.ball, companions.lamp]
    drawn += [companions.cup, companions.fork, companions.flower, companions.buoy]
    owner = {}
    for thing in drawn:
        for seed in range(6):
            pen = Pen(np.random.default_rng(seed), 1.0, 1.0, [(9.0, 9.0, 9.0)])
            whole = thing(pen)
            assert next(iter(pen.parents)) == whole
            assert {stroke.part for stroke in pen.strokes} - {None} <= set(pen.parents)
            assert {owner.setdefault(name, whole) for name in pen.parents} == {whole}


def test_a_mirrored_thing_is_mirrored():
    pens = [Pen(np.random.default_rng(0), 1.0, 1.0, [(9.0, 9.0, 9.0)]) for _ in range(2)]
    for pen, mirrored in zip(pens, (False, True), strict=True):
        pen.stand(0.9, 0.5, 0.6, mirrored)
        built.car(pen)
    for one, other in zip(pens[0].strokes, pens[1].strokes, strict=True):
        assert np.allclose(one.outline[:, 1] + other.outline[:, 1], 1)


# -- as a dataset --------------------------------------------------------------------------------


def test_a_world_has_one_example_for_each_reading_of_each_scene():
    world = ToyWorld(3, SMALL, seed=2)
    expected = [
        (scene.image.tobytes(), mask.tobytes())
        for scene in (world.scene(number) for number in range(3))
        for mask in scene.masks.values()
    ]
    assert [(e.image.tobytes(), e.truth.tobytes()) for e in world] == expected
    assert len(world) == len(set(world.ids)) == len(expected)


def test_ids_name_scene_and_reading():
    world = ToyWorld(1, SMALL, kind="house")
    assert world.ids[0] == world[0].id == "0000-house.house"
    assert "0000-house.door" in world.ids


def test_worlds_of_other_seeds_have_other_scenes():
    assert not equal(ToyWorld(1, SMALL, 0).scene(0), ToyWorld(1, SMALL, 1).scene(0))


def test_a_world_travels_to_another_process():
    world = ToyWorld(2, SMALL)
    copy = pickle.loads(pickle.dumps(world))
    assert copy.ids == world.ids
    assert np.array_equal(copy[-1].image, world[-1].image)


def test_scenes_count_from_the_end_too():
    world = ToyWorld(3, SMALL)
    assert equal(world.scene(-1), world.scene(2))


def test_methods_are_evaluated_on_a_world():
    results = evaluate(
        ["graph-cut"], ToyWorld(1, (48, 64), kind="car"), limit=2, max_clicks=3, progress=False
    )
    assert results.dataset == "toy-world"
    assert list(results.methods["graph-cut"].samples) == [
        "0000-car.car",
        "0000-car.car-windows",
    ]


# -- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: toy_scene(0, (40, 100)), "at least 48"),
        (lambda: toy_scene(0, (100, 100, 3)), "at least 48"),
        (lambda: toy_scene(-1), "from 0"),
        (lambda: toy_scene(0, kind="castle"), "house, person"),
        (lambda: toy_scene(0, SMALL, "house").mask("wheels"), "door"),
        (lambda: toy_scene(0, SMALL, "house").others("wheels"), "'wheels'"),
        (lambda: toy_scene(0, SMALL, "house").parts("wheels"), "'wheels'"),
        (lambda: toy_scene(0, SMALL).readings(96, 0), "rows 0 to 95"),
        (lambda: toy_scene(0, SMALL).readings(0, -1), "columns 0 to 127"),
        (lambda: ToyWorld(0), "at least one scene"),
        (lambda: ToyWorld(1, (10, 10)), "at least 48"),
        (lambda: ToyWorld(1, kind="castle"), "house, person"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(call, text):
    with pytest.raises(ValueError) as caught:
        call()
    assert one_sentence(caught.value)
    assert text in str(caught.value)


def test_there_is_no_scene_beyond_the_last():
    with pytest.raises(IndexError, match="has 2 scenes; there is no number 2") as caught:
        ToyWorld(2, SMALL).scene(2)
    assert one_sentence(caught.value)
