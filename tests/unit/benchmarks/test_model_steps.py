"""Which commands make and judge the default model."""

import json

import pytest

from benchmarks.model import run
from benchmarks.model.run import ModelBench, Step, make_and_judge, steps
from reid.config import read_config, recipe_path
from reid.errors import DataError
from services.errors import InputError, VreidError


def test_the_validation_list_is_judged_and_never_trained_on(tmp_path):
    made = steps(ModelBench(tmp_path / "out", tmp_path / "pairs"))
    using = [step.name for step in made if any("val.txt" in word for word in step.arguments)]
    assert using == ["pairs", "pairs-real-alone", "pairs-untrained"]
    assert all(step.arguments[0] == "evaluate" for step in made if step.name in using)


@pytest.mark.parametrize("recipe", ["default", "gpu"])
def test_both_trainings_see_as_many_real_photographs(tmp_path, recipe):
    config = read_config(recipe_path(recipe))
    alone = next(s for s in steps(ModelBench(tmp_path, tmp_path, recipe=recipe)) if s.name == "train-real-alone")
    epochs = int(alone.arguments[alone.arguments.index("--set") + 1].removeprefix("epochs="))
    shares = {name: domain.share for name, domain in config.domains.items()}
    assert epochs == pytest.approx(config.epochs * shares["pairs"] / sum(shares.values()), abs=0.5)


def test_a_recipe_names_the_sets_that_are_rendered_for_it(tmp_path):
    made = {step.name: step.arguments for step in steps(ModelBench(tmp_path, recipe="gpu", train=16))}
    assert [name for name in made if name.startswith("render")] == [
        "render",
        "render-1",
        "render-2",
        "render-3",
        "render-masked",
    ]
    assert made["render-2"][2:] == ("--out", str(tmp_path / "city-2"), "--seed", "2", "--train", "16", "--test", "0")
    data = [word for word in made["train"] if "=" in word]
    assert data == [f"{name}={tmp_path / name}" for name in ("city", "city-1", "city-2", "city-3")]
    assert not [name for name in {step.name for step in steps(ModelBench(tmp_path))} if name.startswith("render-1")]
    with pytest.raises(DataError, match="no recipe 'none'"):
        steps(ModelBench(tmp_path, recipe="none"))


def test_further_recipes_go_on_from_the_one_before_and_the_last_is_judged(tmp_path):
    made = {step.name: step.arguments for step in steps(ModelBench(tmp_path, recipe="gpu", then=("far", "shapes")))}
    between = [tmp_path / f"made-by-{name}" / "vreid-mobilenetv2.safetensors" for name in ("gpu", "far")]
    first = between[0]
    assert made["train"][:5] == ("train", "--recipe", "gpu", "--out", str(first.parent))
    assert "--start" not in made["train"]
    for recipe, start in zip(("far", "shapes"), between, strict=True):
        words = made[f"train-{recipe}"]
        assert words[:3] == ("train", "--recipe", recipe)
        assert words[words.index("--start") + 1] == str(start)
    assert str(tmp_path / "model" / first.name) in made["city"]
    data = {name: [word for word in made[name] if "=" in word] for name in ("train", "train-far", "train-shapes")}
    assert data["train"] == data["train-far"]
    assert data["train-shapes"] == [
        f"{name}={tmp_path / name}" for name in ("city", "shapes-4", "shapes-5", "shapes-6", "shapes-7")
    ]
    assert made["shapes-4"][4:] == (
        "--seed",
        "4",
        "--shapes",
        "varied",
        "--twins",
        "0.4",
        "--alike",
        "0",
        "--train",
        "776",
        "--test",
        "0",
    )


def test_recipes_for_one_another_hold_out_the_same_vehicles():
    """What one holds out of a domain the next must not learn from, either."""
    first, *others = (read_config(recipe_path(name)) for name in ("gpu", "far", "shapes"))
    for other in others:
        assert other.seed == first.seed
        assert all(other.domains[name].select == first.domains[name].select for name in ("city", "pairs"))
        assert all(other.domains[name].calibrate == first.domains[name].calibrate for name in ("city", "pairs"))


def test_a_run_without_photographs_keeps_to_the_city(tmp_path):
    made = steps(ModelBench(tmp_path, train=12, test=6, changes=("epochs=1",)))
    assert not [step for step in made if "pairs" in " ".join(step.arguments)]
    train = next(step for step in made if step.name == "train")
    assert train.arguments[-2:] == ("--set", "epochs=1")
    masked = next(step for step in made if step.name == "render-masked")
    assert masked.arguments[-4:] == ("--train", "0", "--test", "6")


def test_what_is_done_is_not_done_again_and_a_failure_is_told(tmp_path, monkeypatch):
    asked = []

    def fake(step):
        asked.append(step.name)
        if step.name == "second" and len(asked) < 3:
            raise VreidError("second: broken")
        return {"rank1": 1.0}

    both = [Step("first", ("train", "--out", str(tmp_path / "model"))), Step("second", ())]
    monkeypatch.setattr(run, "steps", lambda _: both)
    monkeypatch.setattr(run, "_run", fake)
    with pytest.raises(VreidError, match="second: broken"):
        make_and_judge(ModelBench(tmp_path), lambda *_: None)
    both[0] = Step("first", ("train", "--out", str(tmp_path / "model"), "--resume"))  # Of what it left.
    document = make_and_judge(ModelBench(tmp_path), lambda *_: None)
    assert asked == ["first", "second", "second"]
    assert set(document["figures"]) == {"first", "second"}
    assert json.loads((tmp_path / "figures.json").read_text()) == document
    moved = tmp_path.rename(tmp_path.with_name("moved"))
    both[0] = Step("first", ("train", "--out", str(moved / "model")))
    assert make_and_judge(ModelBench(moved), lambda *_: None) == document
    both[0] = Step("first", ("train", "--out", str(moved / "model"), "--set", "epochs=1"))
    with pytest.raises(InputError, match=r"moved holds what other options made \(first\): choose another folder"):
        make_and_judge(ModelBench(moved), lambda *_: None)
    assert asked == ["first", "second", "second"]


def test_recipes_that_cannot_follow_each_other_are_refused_before_anything_is_done(tmp_path):
    with pytest.raises(InputError, match="gpu, far, far: each recipe goes on once"):
        steps(ModelBench(tmp_path, recipe="gpu", then=("far", "far")))
    with pytest.raises(InputError, match="default, default: each recipe"):
        steps(ModelBench(tmp_path, then=("default",)))
    with pytest.raises(InputError, match="far holds out 80 vehicles of city and default learns from some of them"):
        steps(ModelBench(tmp_path, then=("far",)))
    same = ("domains.city.select=40", "domains.city.calibrate=40")
    assert "train-far" in [step.name for step in steps(ModelBench(tmp_path, changes=same, then=("far",)))]


def test_a_failing_command_ends_with_its_own_last_line(tmp_path):
    arguments = ("evaluate", "reid", "--data", str(tmp_path / "none"), "--format", "veri", "--json")
    with pytest.raises(VreidError, match=r"judge: .*none"):
        run._run(Step("judge", arguments))
