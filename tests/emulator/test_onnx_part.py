"""A part of a model computes what the whole does there."""

from pathlib import Path

import hibari
import numpy as np
import onnxruntime
import pytest

from voicelive_agent.emulator.onnx_part import read_weights, take_part

MODEL = (Path(hibari.__file__).parent / "assets" / "oov.onnx").read_bytes()


def open_session(model: bytes) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])


HALFWAY = "/Add_10_output_0"
END = "/norm/LayerNormalization_output_0"
CHARS = {"chars": np.arange(1, 9, dtype=np.int64)[None]}


def test_one_part_after_the_other_is_the_whole() -> None:
    (whole,) = open_session(take_part(MODEL, [END])).run(None, CHARS)
    halfway, end = open_session(take_part(MODEL, [HALFWAY, END])).run(None, CHARS)
    (rest,) = open_session(take_part(MODEL, [END], [HALFWAY])).run(None, {HALFWAY: halfway})
    assert whole.shape == (1, 8, whole.shape[2])
    assert np.allclose(end, whole, atol=0.05)
    assert np.allclose(rest, whole, atol=0.05)


def test_a_part_has_no_weights_but_its_own() -> None:
    first, rest = take_part(MODEL, [HALFWAY]), take_part(MODEL, [END], [HALFWAY])
    assert len(first) < 0.7 * len(MODEL)
    assert len(rest) < 0.7 * len(MODEL)


@pytest.mark.parametrize(
    ("outputs", "inputs"), [(["/nowhere"], None), ([END], ["/nowhere"]), ([HALFWAY], [END])]
)
def test_a_tensor_that_is_not_there_is_told(outputs: list[str], inputs: list[str] | None) -> None:
    with pytest.raises(ValueError, match="the model has not /"):
        take_part(MODEL, outputs, inputs)


def test_a_model_without_a_condition_has_no_branch() -> None:
    with pytest.raises(ValueError, match="0 branches"):
        read_weights(MODEL)
