"""The account as kernels call it: machine code under names that the linker knows, made once and kept on disk.

No kernel is linked with the account, whose optimization would then be done again for each of them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from hookline.columns.kernels import kernel_folder, module_digest, write_once
from hookline.research.compiled import booking, desk, gate, venue
from hookline.research.compiled import layout as at
from hookline.research.compiled.layout import Floats, Ints

__all__ = ["symbols"]


def act(f: Floats, k: Ints, plain: int, acts: int, exposure: float, stop: float, target: float) -> None:
    """Do what a decision asks for, fill what fills at the close, and work out when to look next."""
    desk.act(f, k, plain, acts != 0, exposure, stop, target)
    if k[at.FILLS_AT_CLOSE] != 0:
        venue.match_close(f, k)
    venue.watch(f, k)


def oversee(f: Floats, k: Ints) -> None:
    """Let risk rules look at the account after a bar, and work out when to look next."""
    gate.oversee(f, k)
    if k[at.FILLS_AT_CLOSE] != 0:
        venue.match_close(f, k)
    venue.watch(f, k)


_ENTRIES: dict[str, Callable[..., Any]] = {
    "match": venue.match,
    "pay": venue.pay,
    "finish": booking.finish,
    "act": act,
    "oversee": oversee,
}


@cache
def symbols() -> dict[str, Any]:
    """Return what kernels call the account by, arrays by their addresses, after the linker knows it."""
    from llvmlite import binding
    from numba import types

    engine = _machine_code()
    found = {}
    for name, function in _ENTRIES.items():
        symbol = _symbol(name)
        binding.add_symbol(symbol, engine.get_function_address(symbol))
        kinds = [kind for one, kind in function.__annotations__.items() if one != "return"]
        arguments = [types.float64 if kind == "float" else types.int64 for kind in kinds]
        found[name] = types.ExternalFunction(symbol, types.void(*arguments))
    return found


def _symbol(name: str) -> str:
    return f"hookline_{name}"


@cache
def _machine_code() -> Any:
    """Return the engine that holds the account's code; it must live as long as anything calls it."""
    from llvmlite import binding

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    cpu, features = binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten()
    target = binding.Target.from_default_triple().create_target_machine(
        cpu=cpu, features=features, opt=2, codemodel="jitdefault"
    )
    path = kernel_folder() / f"account_{module_digest(repr((cpu, features, _TUNING)), _ENTRIES)}.o"
    if not path.exists():
        write_once(path, _compiled(target))
    engine = binding.create_mcjit_compiler(binding.parse_assembly(""), target)
    engine.add_object_file(binding.ObjectFileRef.from_data(path.read_bytes()))
    engine.finalize_object()
    return engine


_TUNING = {"speed_level": 2}


def _compiled(target: Any) -> bytes:
    from llvmlite import binding

    from hookline.research.compiled.translating import translate

    module = binding.parse_assembly(translate({_symbol(name): one for name, one in _ENTRIES.items()}))
    module.verify()
    passes = binding.create_pass_builder(target, binding.create_pipeline_tuning_options(**_TUNING))
    passes.getModulePassManager().run(module, passes)
    code: bytes = target.emit_object(module)
    return code
