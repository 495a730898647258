"""int8 weights of two output channels in one word: one SXTB16 unpacks four weights.

A word holds the weights of channels a and b for inputs i and i + 1, as bytes a_i, b_i, a_(i+1), b_(i+1). Read as two
signed halves it is a + 256 b (b is stored one too low where a is negative, as its byte then counts as a + 256), so

    both = sum x * (a + 256 b)      by SMLAD on the word as it is,
    even = sum x * a                by SMLAD on SXTB16 of the word,
    sum x * b = (both - even) >> 8,

exact modulo 2^32 as long as sum x * b fits 24 bits. Where it does so with b's bias, too, both sums begin with biases:
that of `both` with bias_a + 256 bias_b. Half as many instructions unpack weights as with one channel per
word (Lai et al. 2018, "CMSIS-NN", sec. 3.2).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

LIMIT = 1 << 23
INPUT_LIMIT = 1 << 7


def can_pair(weight: np.ndarray) -> bool:
    """True if the second channel of each pair has sums within 24 bits, and both weights of each fit a half.

    Args:
        weight: int8 (o, ...).
    """
    rows = weight.reshape(len(weight), -1).astype(np.int64)
    second, first = rows[1::2], rows[0 : len(rows) // 2 * 2 : 2]
    within = (np.abs(second).sum(axis=1) * INPUT_LIMIT < LIMIT).all()
    return not second.size or bool(within and (first + 256 * second).min() >= np.iinfo(np.int16).min)


def can_join(weight: np.ndarray, bias: np.ndarray) -> bool:
    """True if sums of the second channel of each pair fit 24 bits with their bias, so that they can begin with it.

    Args:
        weight: int8 (o, ...).
        bias: int32 (o,).
    """
    second = np.abs(weight.reshape(len(weight), -1)[1::2].astype(np.int64)).sum(axis=1) * INPUT_LIMIT
    return bool((second + np.abs(bias[1::2].astype(np.int64)) < LIMIT).all())


def joined(bias: np.ndarray) -> np.ndarray:
    """What the sums of pairs of channels begin with, that of the even channel and that of both.

    Args:
        bias: int32 (o,), o even.
    """
    even, odd = bias[0::2].astype(np.int64), bias[1::2].astype(np.int64)
    return np.stack([even, even + 256 * odd], axis=1).reshape(-1).astype(np.int32)


def pair_words(weight: np.ndarray) -> np.ndarray:
    """Words of paired channels.

    Args:
        weight: int8 (o, k), o and k even.

    Returns:
        int32 (o / 2, k / 2).
    """
    even, odd = weight[0::2].astype(np.int64), weight[1::2].astype(np.int64)
    return (even + 256 * odd).astype("<i2", order="C").view("<i4").astype(np.int32)


def byte_words(weight: np.ndarray) -> np.ndarray:
    """The same words with each weight a byte of its own."""
    return np.stack([weight[0::2], weight[1::2]], axis=-1).reshape(len(weight) // 2, -1).view("<i4").astype(np.int32)


def packed_weights(
    weight: np.ndarray, pairs: int, together: int = 2, paired: Callable[[np.ndarray], np.ndarray] = pair_words
) -> np.ndarray:
    """Paired words in the order of `block.Memory.weights`, channels filled up to whole groups with zeros.

    Args:
        weight: int8 (o, elements), the number of elements even.
        pairs: Of a group.
        together: Neighbouring words of a pair.
        paired: From weights (o, k) to words (o / 2, k / 2).
    """
    o, elements = weight.shape
    words = paired(np.pad(weight, ((0, -o % (2 * pairs)), (0, 0)))).reshape(-1, pairs, elements // 2)
    steps = [words[..., i : i + together].reshape(len(words), -1) for i in range(0, elements // 2, together)]
    return np.concatenate(steps, axis=1).reshape(-1)
