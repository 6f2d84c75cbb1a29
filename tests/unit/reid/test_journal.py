import json

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from reid.journal import Journal


def test_epochs_that_will_be_repeated_are_dropped(tmp_path):
    for epoch in (1, 2, 3):
        journal = Journal(tmp_path, first_epoch=epoch - 1, tensorboard=False)
        journal.epoch({"epoch": epoch, "metric": 0.123456}, epoch)
        journal.close()
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write('{"epoch": 1, "met')  # The run was killed while it wrote.
    Journal(tmp_path, first_epoch=1, tensorboard=False)
    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [{"epoch": 1, "metric": 0.1235}]


def test_tensorboard_shows_batches_epochs_and_domains(tmp_path):
    journal = Journal(tmp_path)
    journal.batch(4, {"metric": 0.5})
    journal.epoch({"epoch": 1, "score": 0.7, "city": {"rank1": 0.8, "protocol": "cross-camera"}}, 5)
    journal.close()
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    found = {tag: events.Scalars(tag)[0] for tag in events.Tags()["scalars"]}
    assert set(found) == {"batch/metric", "epoch/epoch", "epoch/score", "epoch/city/rank1"}
    assert (found["batch/metric"].step, found["batch/metric"].value) == (4, 0.5)


def test_without_a_folder_nothing_is_kept(tmp_path):
    journal = Journal(None)
    journal.batch(0, {"metric": 1.0})
    journal.epoch({"epoch": 1}, 1)
    journal.close()
    assert not list(tmp_path.iterdir())
