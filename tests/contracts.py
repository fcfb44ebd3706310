"""What the contract tests of both kinds of plug-in share."""

import dataclasses
import inspect
from types import ModuleType


def check_form(module: ModuleType, contract: type, options: type) -> None:
    """The module's functions, their parameters and its options are those of the contract."""
    assert module.__doc__
    assert module.Config.__dataclass_params__.frozen
    module.Config()  # every option has a default
    names = {field.name for field in dataclasses.fields(module.Config)}
    assert set(options.__annotations__) <= names
    for name, function in inspect.getmembers(contract, inspect.isfunction):
        if not name.startswith("_"):
            _, *expected = inspect.signature(function).parameters
            assert list(inspect.signature(getattr(module, name)).parameters) == expected, name
            assert getattr(module, name).__doc__, f"{name} has no docstring"
