"""Arrays, tables and pictures of other libraries: their shape, their types and a few of their first elements.

None of the libraries is imported: a class is known by its name and module. What is read costs the same for ten
elements and for ten million, copies nothing but those few elements, loads no picture, collects no lazy query
and moves nothing from a device.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from flightlog.core import classes
from flightlog.core.containers import Writer, guarded

if TYPE_CHECKING:
    from flightlog.core.capture import Walk

_HEAD: Final = 8
"""First elements that are told."""
_ROWS: Final = 3
_COLUMNS: Final = 50

_Told = dict[str, Any]


def _numpy_array(value: Any) -> _Told:
    return {
        "shape": list(value.shape),
        "dtype": str(value.dtype),
        "head": value.flat[:_HEAD].tolist() if value.dtype.kind in "biufcSUmMO" else [],
    }


def _tensor(value: Any) -> _Told:
    told: _Told = {
        "shape": [int(size) for size in value.shape],
        "dtype": str(value.dtype),
        "device": str(value.device),
    }
    if told["device"] == "cpu" and 0 not in told["shape"]:
        row = value.detach()
        while row.dim() > 1:
            row = row[0]
        told["head"] = (row[:_HEAD] if row.dim() else row.reshape(1)).tolist()
    return told


def _shape_only(value: Any) -> _Told:
    return {"shape": [*value.shape], "dtype": str(value.dtype)}


def _pandas_frame(value: Any) -> _Told:
    head = value.iloc[:_ROWS, :_COLUMNS]
    columns = list(head.columns)
    rows = head.to_numpy(dtype=object)
    return {
        "shape": list(value.shape),
        "columns": columns,
        "dtypes": [str(dtype) for dtype in head.dtypes],
        "head": [dict(zip(columns, row, strict=True)) for row in rows.tolist()],
    }


def _pandas_series(value: Any) -> _Told:
    head = value.iloc[:_HEAD].to_numpy(dtype=object).tolist()
    return {"length": len(value), "dtype": str(value.dtype), "head": {_label(value.name): head}}


def _pandas_index(value: Any) -> _Told:
    return {"length": len(value), "dtype": str(value.dtype), "head": value[:_HEAD].tolist()}


def _polars_frame(value: Any) -> _Told:
    columns = value.columns[:_COLUMNS]
    return {
        "shape": list(value.shape),
        "columns": columns,
        "dtypes": [str(value.schema[name]) for name in columns],
        "head": value.head(_ROWS).select(columns).to_dicts(),
    }


def _polars_series(value: Any) -> _Told:
    head = value.head(_HEAD).to_list()
    return {"length": len(value), "dtype": str(value.dtype), "head": {_label(value.name): head}}


def _picture(value: Any) -> _Told:
    width, height = value.size
    return {"format": type(value).format, "mode": value.mode, "width": width, "height": height}


def _label(name: object) -> object:
    """The name of a column, under which its elements stand so that a secret's name hides them."""
    return "" if name is None else name


_SUMMARIES: Final[dict[tuple[str, str], tuple[str, Callable[[Any], _Told]]]] = {
    ("numpy", "ndarray"): ("numpy.ndarray", _numpy_array),
    ("torch", "Tensor"): ("torch.Tensor", _tensor),
    ("torch", "TensorBase"): ("torch.Tensor", _tensor),
    ("jaxlib", "Array"): ("jax.Array", _shape_only),
    ("jaxlib", "ArrayImpl"): ("jax.Array", _shape_only),
    ("tensorflow", "Tensor"): ("tensorflow.Tensor", _shape_only),
    ("cupy", "ndarray"): ("cupy.ndarray", _shape_only),
    ("pandas", "DataFrame"): ("pandas.DataFrame", _pandas_frame),
    ("pandas", "Series"): ("pandas.Series", _pandas_series),
    ("pandas", "Index"): ("pandas.Index", _pandas_index),
    ("polars", "DataFrame"): ("polars.DataFrame", _polars_frame),
    ("polars", "Series"): ("polars.Series", _polars_series),
    ("PIL", "Image"): ("PIL.Image", _picture),
}
"""Top-level module and class to the name that is written and what there is to say."""


def summary(kind: type) -> Writer | None:
    """The writer for a class of one of these libraries, or None."""
    for base in classes.mro(kind):
        known = _SUMMARIES.get((classes.module_of(base).partition(".")[0], classes.short_name(base)))
        if known is not None:
            return _writer(*known)
    if classes.base_named(kind, "numpy", "generic") is not None:
        return _numpy_scalar
    return None


def _writer(name: str, tell: Callable[[Any], _Told]) -> Writer:
    def write(walk: Walk, value: Any, path: str, depth: int) -> str:
        items = [("type", name), *tell(value).items()]
        return walk.mapping(items, len(items), path, depth)

    return guarded(write)


def _numpy_scalar(walk: Walk, value: Any, path: str, depth: int) -> str:
    """Write a scalar as the Python value that it stands for; dates, and what has none, as text."""
    plain = value.item() if value.dtype.kind in "biufcSUV" else None
    if plain is None or type(plain) is type(value):
        return walk.text(str(value), path)
    return walk.value(plain, path, depth)
