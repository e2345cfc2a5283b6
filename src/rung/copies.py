"""Folders of models that others published and that are kept here as they came: their cards and settings tell nothing of this system.

Said of a folder below the root that holds what a model's publisher puts side by side: a card, a configuration and weights or the
parts of a tokenizer, or the pointers to them of a tool that versions data.
"""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Sequence

from rung.expressions import regex
from rung.records import SourceFile

_CARD = "README.md"
_CONFIGURATION = "config.json"
_PARTS = regex(
    r"(?:tokenizer(?:_config)?\.json|vocab\.(?:txt|json)|merges\.txt|spiece\.model|special_tokens_map\.json"
    r"|(?:model|pytorch_model|tf_model|flax_model)[\w.-]{0,60}\.(?:safetensors|bin|h5|msgpack|onnx))(?:\.dvc)?"
)


def published_models(files: Sequence[SourceFile]) -> frozenset[str]:
    """The paths of the files in folders of models as others publish them."""
    names: dict[str, set[str]] = defaultdict(set)
    for file in files:
        folder, name = posixpath.split(file.path)
        if folder and (name in (_CARD, _CONFIGURATION) or _PARTS.fullmatch(name)):
            names[folder].add(name)
    folders = {folder for folder, own in names.items() if {_CARD, _CONFIGURATION} < own}
    return frozenset(file.path for file in files if posixpath.dirname(file.path) in folders) if folders else frozenset()
