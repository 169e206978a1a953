"""A function of arrays, compiled by numba once per machine, kept as an object file, and loaded without numba.

Importing numba and reading its own cache takes half a second of every process, and what it keeps of a function that shares out its
loops takes ten seconds to make. What is kept here is the machine code alone: llvmlite loads it in some milliseconds.

The function gets arrays and integers, makes no array and raises nothing; it lets go of Python's lock while it runs, so that threads
may run it side by side.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np

#: kind of an argument by its letter: the name of numba's type, numpy's and the bytes of an element
SCALARS = {"f": ("float64", np.float64), "i": ("int64", np.int64), "b": ("boolean", np.bool_)}

#: whether it was said that compiled code cannot be kept; a process that works for another leaves saying so to it
said = False


def leave_notes_to_parent() -> None:
    """Say nothing of what is kept in this process, which works for another that says it."""
    global said
    said = True


class MachineCode:
    """`function` compiled for arguments of the given kinds: 'i' an integer; 'f1', 'i2', 'b1': an array of that many axes in C order.
    parts: functions that it calls, of the same file, a part before what calls it.

    What is kept saves time and nothing else: what cannot be read is made again, what cannot be written is not kept.
    """

    def __init__(self, function: Callable[..., None], kinds: Sequence[str], parts: Sequence[Callable[..., Any]] = ()) -> None:
        self.function = function
        self.parts = tuple(parts)
        self.kinds = tuple(kinds)
        self._entry: Callable[..., int] | None = None
        self._engine: Any = None  # holds the code in memory
        self.was_kept = False  # whether the code in use came from the disk

    def __call__(self, *arguments: Any) -> None:
        """Run it. Raises TypeError where an array is not what was stated."""
        entry = self._entry or self._ready()
        outcome, trouble = (
            ctypes.c_void_p(),
            ctypes.c_void_p(),
        )  # where numba's convention has what is returned and raised: nothing
        flat: list[Any] = [ctypes.addressof(outcome), ctypes.addressof(trouble)]
        for kind, argument in zip(self.kinds, arguments, strict=True):
            if len(kind) == 1:
                flat.append(argument)
                continue
            if argument.dtype != SCALARS[kind[0]][1] or argument.ndim != int(kind[1]) or not argument.flags.c_contiguous:
                raise TypeError(f"an array of kind {kind} in C order is wanted, not {argument.dtype} {argument.strides}")
            flat += (None, None, argument.size, argument.itemsize, argument.ctypes.data, *argument.shape, *argument.strides)
        if entry(*flat) != 0:
            raise RuntimeError(f"{self.function.__name__}: the compiled code failed")

    def ready(self) -> None:
        """Load or compile it now."""
        if self._entry is None:
            self._ready()

    # ---- from the disk, or compiled ----------------------------------------------------------------------------------

    def _ready(self) -> Callable[..., int]:
        import llvmlite.binding as llvm

        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        name = f"{Path(self.function.__code__.co_filename).stem}.{self.function.__name__}.{self._digest(llvm)}.o"
        code = self._kept(name)
        self.was_kept = code is not None
        if code is None:
            code = self._compiled()
            self._keep(name, code)
        symbol, _, body = code.partition(b"\n")
        target = llvm.Target.from_default_triple().create_target_machine()
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), target)
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(body))
        self._engine.finalize_object()
        types: list[Any] = [ctypes.c_void_p, ctypes.c_void_p]
        for kind in self.kinds:
            if len(kind) == 1:
                types.append(ctypes.c_int64)
            else:
                axes = int(kind[1])
                types += [
                    ctypes.c_void_p,
                    ctypes.c_void_p,
                    ctypes.c_int64,
                    ctypes.c_int64,
                    ctypes.c_void_p,
                    *[ctypes.c_int64] * (2 * axes),
                ]
        self._entry = ctypes.CFUNCTYPE(ctypes.c_int32, *types)(self._engine.get_function_address(symbol.decode()))
        return self._entry

    def _digest(self, llvm: Any) -> str:
        """Of all that the machine code depends on: source, kinds of arguments, compiler and processor."""
        import llvmlite

        made_of = (
            llvmlite.__version__,
            sys.version_info[:2],
            llvm.get_host_cpu_name(),
            llvm.get_host_cpu_features().flatten(),
            self.kinds,
        )
        source = Path(self.function.__code__.co_filename).read_bytes()
        return hashlib.sha256(repr(made_of).encode() + source).hexdigest()[:20]

    def _compiled(self) -> bytes:
        """Name of the entry, a line's end, and the object file."""
        import numba
        from numba.core import types

        def of(kind: str) -> Any:
            scalar = getattr(types, SCALARS[kind[0]][0])
            return scalar if len(kind) == 1 else types.Array(scalar, int(kind[1]), "C")

        # without what calls it from Python and counts references: nothing of that is in the code, so that it loads alone
        options: Any = {"_nrt": False, "no_cpython_wrapper": True, "no_cfunc_wrapper": True, "error_model": "numpy"}
        names = dict(self.function.__globals__)  # in which the parts are compiled, for this function alone
        for part in self.parts:
            names[part.__name__] = numba.njit(**options)(FunctionType(part.__code__, names, part.__name__))  # type: ignore[attr-defined]
        function = FunctionType(self.function.__code__, names, self.function.__name__)
        made: Any = numba.njit(tuple(map(of, self.kinds)), **options)(function)
        (result,) = made.overloads.values()
        return bytes(result.fndesc.llvm_func_name.encode() + b"\n" + result.library._get_compiled_object())

    # ---- what is kept --------------------------------------------------------------------------------------------------

    def _folders(self) -> list[Path]:
        """Where code may be kept: beside its source, else in the user's cache."""
        beside = Path(self.function.__code__.co_filename).parent / "__pycache__"
        return [beside, Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "wattfolio"]

    def _kept(self, name: str) -> bytes | None:
        """The code, or None. A file that is cut off or changed is not used: it would be run."""
        for folder in self._folders():
            try:
                data = (folder / name).read_bytes()
            except OSError:
                continue
            if hashlib.sha256(data[32:]).digest() == data[:32]:
                return data[32:]
            _say(f"the compiled code that was kept in {folder} cannot be read and is made again")
        return None

    def _keep(self, name: str, code: bytes) -> None:
        """Complete or not at all."""
        problem: OSError | None = None
        for folder in self._folders():
            try:
                folder.mkdir(parents=True, exist_ok=True)
                handle, part = tempfile.mkstemp(dir=folder, prefix=name, suffix=".part")
            except OSError as refused:
                problem = problem or refused
                continue
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(hashlib.sha256(code).digest() + code)
                os.replace(part, folder / name)
                return
            except OSError as refused:
                problem = problem or refused
                with suppress(OSError):
                    os.unlink(part)
        why = getattr(problem, "strerror", None) or str(problem)
        _say(f"compiled code cannot be kept in {self._folders()[0]} ({why}): every run compiles it again")


def _say(text: str) -> None:
    """Once in a process, on stderr; the numbers are the same either way."""
    global said
    if not said and sys.stderr is not None:
        with suppress(OSError, ValueError):
            sys.stderr.write(f"{text}\n")
    said = True
