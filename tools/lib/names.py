"""Names of countries, languages, currencies and cities in twelve languages that are written in Latin letters.

From the Unicode Common Locale Data Repository as the package Babel carries it.
"""

from __future__ import annotations

import unicodedata
from collections import Counter

import babel
import numpy as np
from sklearn.model_selection import train_test_split
from training import SEED

LANGUAGES = ("de", "en", "es", "fi", "fr", "hu", "it", "nl", "pl", "pt", "sv", "tr")
LENGTH = 24
"""Tokens of a sample: one that stands for the class, then letters, then padding."""
PADDING, CLASS, UNKNOWN = 0, 1, 2
ALPHABET = " '()-./0123456789abcdefghijklmnopqrstuvwxyzßàáâãäåçèéêëìíîïñòóôõöùúûüąćęğıłńőœśşšűźżž"
VOCABULARY = 3 + len(ALPHABET)
SHORTEST = 4
EVAL_SAMPLES = 1500


def load_split() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Tokens int64 [n, LENGTH] and labels int64, the place in LANGUAGES: for training, then for evaluation.

    Only names that a single language has; no name is in both parts.
    """
    by_language = [_names(language) for language in LANGUAGES]
    users = Counter(name for names in by_language for name in names)
    rows = [(name, i) for i, names in enumerate(by_language) for name in sorted(names) if users[name] == 1]
    labels = np.array([label for _, label in rows], np.int64)
    tokens = np.array([encoded(name) for name, _ in rows], np.int64)
    train_x, eval_x, train_y, eval_y = train_test_split(
        tokens, labels, test_size=EVAL_SAMPLES, stratify=labels, random_state=SEED
    )
    return train_x, train_y, eval_x, eval_y


def encoded(name: str) -> list[int]:
    """LENGTH tokens of a name in lower case; what does not fit is cut off."""
    known = {letter: UNKNOWN + 1 + i for i, letter in enumerate(ALPHABET)}
    tokens = [CLASS, *(known.get(letter, UNKNOWN) for letter in name)][:LENGTH]
    return tokens + [PADDING] * (LENGTH - len(tokens))


def _names(language: str) -> set[str]:
    """Every name of a language, in lower case."""
    locale = babel.Locale(language)
    tables = (locale.territories, locale.languages, locale.currencies, locale.scripts, locale.variants)
    found = [name for table in tables for name in table.values()]
    found += [zone["city"] for zone in locale.time_zones.values() if "city" in zone]
    found += [name for zone in locale.meta_zones.values() for name in zone.get("long", {}).values()]
    lower = {unicodedata.normalize("NFC", str(name).lower()).strip() for name in found}
    return {name for name in lower if len(name) >= SHORTEST}
