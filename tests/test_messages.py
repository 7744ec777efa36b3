"""What the channel carries survives the way, and nothing else is taken for it."""

from __future__ import annotations

import json
import math

import pytest

from search import answers, messages
from search.agent_messages import (
    BridgeFailed,
    Dismiss,
    Gone,
    Joined,
    Leave,
    Letter,
    OpenBridge,
    Ping,
    Serve,
    StartAttempt,
    Told,
    WantAgents,
)
from search.answers import AnnotatedRanges, Answer, Argument, Checked, Description, Monitor
from search.messages import (
    Ended,
    Exited,
    Hello,
    Kill,
    Launch,
    Launched,
    Leaving,
    Message,
    Preload,
    Probed,
    Ready,
    Reported,
    Slot,
    SlotClosed,
    SlotClosing,
    SlotOpened,
    Started,
    Stop,
    Verdict,
)
from search.wire import decode, encode

MESSAGES: list[Message] = [
    Preload(("a.B",), ("c",), ("/d",)),
    Launch("fit-0", "fit", "/studies/x", "/socket", "token", 2, ("0", "GPU-8f3b"), 0.5),
    Launch("fit-0", "fit", "/studies/x", "/socket", "token", 2),
    Ready(),
    Launched("fit-0", 7),
    Launched("fit-0", 7, node="n1", boot_id="b"),
    Exited("fit-0", -9),
    Exited("fit-0", -9, memory_ran_out=True),
    Exited("fit-0", -9, lost="node n1 was lost"),
    SlotOpened(Slot(2, ("0", "1"), 0.5, 0.5, "17")),
    SlotClosing("its time is over"),
    SlotClosed("its time is over"),
    Letter({"kind": "stop"}, "17", "fit-0", 3),
    Ping(3, 17.5),
    Joined("n1", "b", {"torch": "2.14"}, 0, 17.5),
    Serve(("a.B",), ("/d",), "/studies/x/agents", "seal", 4, 1),
    StartAttempt("fit", "/studies/x/trials/0000", Slot(2)),
    Leave("the run is over", 0.0),
    Gone("the disk is full"),
    Told("a line"),
    OpenBridge("slurm", {"partition": "gpu"}, "search-x", "/agents", "/nodes.json", 4, 1, None),
    WantAgents(8),
    Dismiss(),
    BridgeFailed("a problem"),
    Leaving(0),
    Kill("fit-0"),
    Hello("token"),
    Started(20, 64, 4, 256),
    Reported(3, 3, 0.125),
    Reported(3, 3, float("inf")),
    Reported(3, 3, 1),
    Verdict(3, prune=True),
    Stop(),
    Ended("error", None, "one line", "many\nlines"),
    Ended("error", message="of a name that is not UTF-8: \udcff"),
    Ended("done", 0.5, metrics={"val_loss": 0.5, "val_acc": float("-inf")}),
    Probed(64, (2, 64)),
    Checked(
        problems=("a problem",),
        memory_paths=("model.x",),
        batch_size_path="data.init_args.batch_size",
        batch_size=64,
        samples=1258,
        drops_last=True,
        limit=0.5,
        gpus=("0", "GPU-8f3b"),
        gpus_a_trial=2,
        modules=("json",),
    ),
    AnnotatedRanges(ranges={"model.lr": {"float": [0.1, 1.0], "log": True}}),
    Description(
        arguments=(
            Argument(
                "model.width",
                "int",
                2,
                items=(4, 8),
                choices=(1, 2.0, "3", None, True),
                hint={"int": [1, 2]},
            ),
            Argument("model.name", "text", "nan"),
        ),
        logged=("val_loss",),
        monitors=(Monitor("val_loss", "min"),),
    ),
]


@pytest.mark.parametrize("message", MESSAGES, ids=repr)
def test_message_survives_the_way(message: Message) -> None:
    line = encode(message)
    assert line.count(b"\n") == 1
    json.loads(line, parse_constant=pytest.fail)
    assert decode(line) == message


def test_every_message_is_known_to_the_channel() -> None:
    for module in (messages, answers):
        for each in vars(module).values():
            if (
                isinstance(each, type)
                and issubclass(each, Message)
                and each not in (Message, Answer)
            ):
                line = json.dumps({"kind": each.__struct_config__.tag, "no_field": 1}).encode()
                with pytest.raises(ValueError, match="unknown field"):
                    decode(line)


def test_nan_survives_the_way() -> None:
    back = decode(encode(Reported(1, 1, float("nan"))))
    assert isinstance(back, Reported)
    assert math.isnan(back.value)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"nonsense",
        b"[]",
        b'{"kind": "unknown"}',
        b'{"kind": ["stop"]}',
        b'{"kind": "verdict"}',
        b'{"kind": "stop", "more": 1}',
        b'{"kind": "reported", "step": 1, "epoch": 1, "value": "much"}',
    ],
)
def test_nonsense_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError):
        decode(line)
