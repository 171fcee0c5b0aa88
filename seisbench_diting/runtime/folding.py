"""Batch normalization folded into the convolution before it."""

from __future__ import annotations

import copy
from typing import TypeVar

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

Network = TypeVar("Network", bound=nn.Module)

# A convolution and what follows it, as the networks' blocks name them.
_PAIRS = (("conv", "norm"), ("project", "norm"), ("conv1", "norm2"))


def fold_batch_norms(model: Network) -> Network:
    """
    :param model: Network of this package
    :return: A copy in evaluation mode that computes the same with fewer layers
    """
    folded = copy.deepcopy(model).eval()
    for module in folded.modules():
        for first, second in _PAIRS:
            conv, norm = getattr(module, first, None), getattr(module, second, None)
            if isinstance(norm, nn.BatchNorm1d) and conv is not None:
                transpose = isinstance(conv, nn.ConvTranspose1d)
                setattr(module, first, fuse_conv_bn_eval(conv, norm, transpose))
                setattr(module, second, nn.Identity())
    return folded
