"""ONNX files as the published scripts write them."""

import warnings

import torch


def export_onnx(model, path) -> None:
    """The network with the published names of input and outputs."""
    outputs = ["prob", "time"] if model.regression else ["prob"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model,
            (torch.zeros(2, 3, 6144),),
            str(path),
            input_names=["wave"],
            output_names=outputs,
            dynamic_axes={name: {0: "batch"} for name in ("wave", *outputs)},
            dynamo=False,
        )
