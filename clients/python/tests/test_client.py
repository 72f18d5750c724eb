"""Client against a real system: what goes in comes out, averages are those of numpy, sessions count once, and errors say what is wrong."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from kit import Proxy, System, safetensors, until
from ratatouille import Client, ServiceError, UsageError
from ratatouille.client.artifact import Artifact
from ratatouille.safetensors_file import SafetensorsError, Tensors, as_tensors, open_tensors

Arrays = dict[str, NDArray[Any]]


@pytest.fixture(scope="module")
def client(system: System) -> Iterator[Client]:
    with Client(system.address, progress=False) as opened:
        yield opened


def drawn(seed: int, shape: tuple[int, ...] = (70, 30)) -> Arrays:
    generator = np.random.default_rng(seed)
    return {"body.weight": generator.normal(size=shape).astype("f4"), "head.bias": generator.normal(size=3).astype("f4")}


def equal(one: Mapping[str, NDArray[Any]], other: Mapping[str, NDArray[Any]]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def mean_of(models: list[Arrays]) -> Arrays:
    """Correctly rounded: float64 has room for the sum of a few float32."""
    return {name: np.mean([model[name].astype("f8") for model in models], axis=0).astype("f4") for name in models[0]}


def test_arrays_come_out_as_they_went_in(client: Client, tmp_path: Path) -> None:
    weights: Arrays = {
        **drawn(1),
        "counts": np.arange(5),
        "flags": np.array([True, False]),
        "scalar": np.float64(3),  # type: ignore[dict-item]
        "empty": np.zeros((0, 4), np.float16),
        "turned": np.arange(12, dtype=np.int32).reshape(3, 4).T,
        "foreign": np.arange(3, dtype=">f4"),
    }
    pushed = client.push(weights, "test/arrays", licence="MIT", source="a test", architecture="none")
    assert (pushed.kind, pushed.licence, pushed.made) == ("model", "MIT", "import of a test")
    assert client.get("test/arrays") == client.get(pushed.digest[7:19]) == pushed
    pulled = client.pull("test/arrays")
    assert equal(pulled, {name: np.asarray(value) for name, value in weights.items()})
    assert pulled["body.weight"].flags.writeable
    assert equal(client.pull(pushed, ["c*", "turned", "empty"]), {name: weights[name] for name in ("counts", "turned", "empty")})
    file = client.download(pushed, tmp_path)
    assert equal(open_tensors(file), pulled)
    # The file is the same bytes, so it is there.
    uploaded = client._artifacts.moved.uploaded
    assert client.push(file, licence="MIT", source="a test", architecture="none") == pushed
    assert client._artifacts.moved.uploaded == uploaded
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_bfloat16_of_other_libraries_is_bfloat16(client: Client) -> None:
    bits = np.array([0x3F80, 0xC000], np.uint16)
    pushed = client.push(Tensors({"w": ("BF16", bits)}))
    pulled = client.pull(pushed)
    assert (pulled.dtype_name("w"), pulled["w"].tolist()) == ("BF16", bits.tolist())


def test_folders_of_hugging_face(client: Client, tmp_path: Path) -> None:
    weights = drawn(2)
    for i, name in enumerate(weights):
        (tmp_path / f"part-{i}.safetensors").write_bytes(safetensors(as_tensors({name: weights[name]})))
    index = '{"weight_map": {"body.weight": "part-0.safetensors", "head.bias": "part-1.safetensors"}}'
    (tmp_path / "model.safetensors.index.json").write_text(index)
    assert equal(client.pull(client.push(tmp_path)), weights)


def test_averages_are_those_of_numpy(client: Client, tmp_path: Path) -> None:
    models = [drawn(seed) for seed in (3, 4, 5)]
    file = tmp_path / "third.safetensors"
    file.write_bytes(safetensors(as_tensors(models[2])))
    pushed = client.push(models[0])
    heard: list[tuple[str, int, int]] = []
    with Client(client._connection.address, progress=lambda *told: heard.append(told)) as listening:
        soup = listening.soup([pushed, models[1], file], ref="test/soup")
    assert equal(client.pull("test/soup"), mean_of(models))
    assert {what for what, _, _ in heard} >= {"push weights", "push third.safetensors"}
    assert any(done == total for what, done, total in heard if what == "push weights")
    assert client.average([pushed.digest, models[1], str(file)]) == soup
    weighted = client.pull(client.average(models, "weighted", weights=[1, 0, -1]))
    assert equal(weighted, {name: models[0][name] - models[2][name] for name in models[0]})
    ties = client.average(models[:2], "ties", base=models[2], parameters={"density": [0.5, 1.0]}, exclude=["head.bias"], dtype="BF16")
    assert list(client.pull(ties)) == ["body.weight"]
    assert ties.recipe["parameters"]["parameters"] == {"density": [0.5, 1]}
    lineage = client.lineage("test/soup")
    assert next(one.digest for one in lineage.next()) == pushed.digest
    assert len(lineage) == 4
    assert str(lineage).splitlines()[0] == str(soup)
    assert "uniform average of 3" in lineage._repr_html_()
    assert soup in client.lineage(pushed, descendants=True).next()


def test_a_session_counts_what_is_sent_at_once_and_cut(client: Client, system: System) -> None:
    models = [drawn(seed, (1500, 700)) for seed in (6, 7, 8)]
    session = client.session(licence="MIT", architecture="none", like=models[0])
    joined = [client.session(session.id, secret=session.secret) for _ in models]
    with ThreadPoolExecutor(3) as pool:
        sent = pool.map(lambda i: joined[i].contribute(models[i], f"member {i}"), range(2))
        assert list(sent) == [True, True]
    proxy = Proxy(system.address)
    proxy.break_up = 2 << 20
    with Client(proxy.address, progress=False) as cut:
        assert cut.session(session.id, secret=session.secret).contribute(models[2], "member 2")
    assert proxy.breaks == 1
    proxy.close()
    assert not session.contribute(models[2], "member 2")
    assert session.state().committed == 3
    assert equal(client.pull(session.snapshot("test/session")), mean_of(models))
    # Where the bytes are in the sums already, only the contributor has them.
    session.withdraw("member 1", models[1])
    closed = session.close(snapshot=True)
    assert closed is not None
    assert equal(client.pull(closed), mean_of([models[0], models[2]]))
    assert [state.state for state in session.watch()] == ["closed"]
    assert session.id in {state.id for state in client.sessions()}


def test_bars_are_of_tqdm(system: System, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ratatouille.client.progress._DELAY_SECONDS", 0)
    with Client(system.address, progress=True) as client:
        client.push(drawn(11, (2000, 1000)))
    assert "push weights:" in capsys.readouterr().err


def test_what_happens_is_seen(client: Client) -> None:
    begun = datetime.now(timezone.utc) - timedelta(seconds=1)
    pushed = client.push(drawn(9), "test/seen")
    for event in client.watch("ratatouille.v1.ref.moved", since=begun):
        if event.payload["name"] == "test/seen":
            assert event.payload["digest"] == pushed.digest
            break
    assert client.models(limit=1)[0] == pushed
    assert client.models('name = "test/seen"') == (pushed,)
    assert [ref.digest for ref in client.refs("test/seen")] == [pushed.digest]
    assert "test/seen" in client.refs("test/")._repr_html_()
    client.tag("seen:1.0", pushed)
    assert client.get("seen:1.0") == pushed
    moved = client.move_ref("test/seen", client.push(drawn(10)), expected=pushed, reason="better")
    assert [move.digest for move in moved.history] == [pushed.digest, ""]
    with pytest.raises(ServiceError) as raised:
        client.move_ref("test/seen", pushed, expected=pushed)
    assert (raised.value.code, raised.value.reason) == ("ABORTED", "REF_MOVED")


def test_methods_say_what_they_take(client: Client) -> None:
    methods = {method.name: method for method in client.methods()}
    assert methods["uniform"].sessions
    assert methods["ties"].base == "required"
    (density,) = (one for one in methods["ties"].parameters if one.name == "density")
    assert density.per_model
    assert isinstance(density.default, float)
    assert "ties" in client.methods()._repr_html_()


def test_errors_carry_what_programs_need(client: Client) -> None:
    with pytest.raises(ServiceError) as raised:
        client.average([drawn(1)], "nope")
    error = raised.value
    assert (error.code, error.reason) == ("INVALID_ARGUMENT", "AVERAGE_INVALID")
    assert [violation.field for violation in error.violations] == ["method"]
    assert all(violation.description in str(error) for violation in error.violations)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.violations) == (str(error), error.violations)


WRONG: list[tuple[Callable[[Client], object], type[Exception], str]] = [
    (lambda c: c.push("nowhere.safetensors"), UsageError, "there is no file nowhere.safetensors; weights are"),
    (lambda c: c.push(__file__), UsageError, "is no safetensors file: "),
    (lambda c: c.push(Path(__file__).parent), UsageError, "has no model.safetensors, no model.safetensors.index.json"),
    (lambda c: c.push({}), UsageError, "there are no weights: the state dict is empty"),
    (lambda c: c.push({"step": 3}), SafetensorsError, "tensor step is of type int; expected an array of numpy"),
    (lambda c: c.push({"w": np.array(["x"])}), SafetensorsError, "tensor w is of type <U1; files have"),
    (lambda c: c.push(drawn(1), "no\nname"), ServiceError, r"ref: expected words of letters"),
    (lambda c: c.push(drawn(1), licence="free"), ServiceError, r'licence: "free" is no licence'),
    (lambda c: c.average(["nowhere"]), UsageError, r"models\[0\] is 'nowhere', which is no file here; expected that, or a digest"),
    (lambda c: c.average("a/b"), UsageError, "models is a str; expected a list of models"),
    (lambda c: c.average([]), ServiceError, "models"),
    (lambda c: c.average([drawn(1)], parameters={"x": object()}), UsageError, r"parameters\['x'\] is <object .*; expected a number"),
    (lambda c: c.average([drawn(1), drawn(1, (2, 2))]), ServiceError, '"body.weight"'),
    (lambda c: c.get("nothing"), UsageError, "'nothing' names no model; expected a digest"),
    (lambda c: c.get("no/ref"), ServiceError, 'no ref "no/ref"'),
    (lambda c: c.pull("0123456789"), ServiceError, "no artifact 0123456789"),
    (lambda c: c.pull(c.push(drawn(1)), ["tail"]), ServiceError, '"tail"'),
    (lambda c: c.models("size >"), ServiceError, "filter"),
    (lambda c: c.download(c.push(drawn(1)), "/nowhere/at/all"), UsageError, "there is no folder /nowhere/at to write all to"),
    (lambda c: c.models(kind="modle"), UsageError, 'kind is "modle"; expected one of source, dataset, model'),
    (lambda c: c.session("nope").state(), ServiceError, 'there is no session "nope"'),
    (lambda c: c.session("nope").contribute(drawn(1), "me"), UsageError, "to contribute to the session nope, give its secret"),
    (lambda c: c.session("nope", secret="x").contribute(drawn(1), "me"), ServiceError, 'there is no session "nope"'),
    (lambda c: c.session(method="ties"), ServiceError, 'method: "ties"; a session takes uniform, weighted, linear'),
    (lambda c: c.recycle({"nmae": "x"}), UsageError, 'this is no specification of a run: .* has no field named "nmae"'),
    (lambda c: c.recycle({"name": "x"}), ServiceError, "spec.seeds"),
    (lambda c: Client("no address"), UsageError, '"no address" is not an address; expected host:port'),
    (lambda c: Client("host:1", token="x"), UsageError, "the token would travel to host:1 in the clear"),
]


@pytest.mark.parametrize(("call", "kind", "message"), WRONG)
def test_wrong_input_is_one_clear_error(client: Client, call: Callable[[Client], object], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        call(client)


def test_a_system_that_is_not_there_is_said_to_be_unreachable() -> None:
    with Client("127.0.0.1:1") as client, pytest.raises(ServiceError, match=r"127\.0\.0\.1:1 cannot be reached") as raised:
        client.session()
    assert raised.value.code == "UNAVAILABLE"


def test_settings_come_from_the_environment(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATATOUILLE_SERVER", system.address)
    with Client() as client:
        assert repr(client) == f"<Client of {system.address}>"
        assert isinstance(client.push(drawn(1)), Artifact)


def test_of_a_fine_tuning_only_what_is_new_is_sent(system: System) -> None:
    def fine_tuned(seed: int) -> Arrays:
        frozen = {f"layer{i}.weight": np.random.default_rng(i).normal(size=(700, 600)).astype("f4") for i in range(4)}
        return {**frozen, "head.weight": np.random.default_rng(seed).normal(size=(500, 600)).astype("f4")}

    with Client(system.address, progress=False) as client:
        client.push(fine_tuned(101))

        def sent(seed: int) -> int:
            before = client._artifacts.moved.uploaded
            assert equal(client.pull(client.push(fine_tuned(seed))), fine_tuned(seed))
            return client._artifacts.moved.uploaded - before

        # The catalog looks for chunks after it has answered; the header and a small rest are always sent.
        seeds = iter(range(102, 200))
        until(lambda: sent(next(seeds)) <= 500 * 600 * 4 + 20_000, "chunks of the first fine-tuning")
