"""The types and ranges of plug-ins' options: a name each, read without importing the plug-in."""

from typing import Annotated, Literal

from pydantic import Field, Strict

MANY = 10**9  # more than any count that a run can use

Integer = Annotated[int, Strict()]
Number = Annotated[float, Strict(), Field(allow_inf_nan=False)]
Flag = Annotated[bool, Strict()]
Text = Annotated[str, Strict()]
Count = Annotated[Integer, Field(gt=0, le=10_000)]
Steps = Annotated[Integer, Field(ge=0, le=MANY)]
Positive = Annotated[Number, Field(gt=0, le=1e9)]
NonNegative = Annotated[Number, Field(ge=0, le=1e9)]
Probability = Annotated[Number, Field(ge=0, le=1)]
Rate = Annotated[Number, Field(gt=0, le=1)]  # of a moving average's newest value
Discount = Annotated[Number, Field(ge=0, lt=1)]
Threshold = Literal["mean"] | Annotated[Number, Field(ge=0, le=100)]  # or a percentile

# What an option's annotation may be made of.
NAMES = {
    "int": Integer, "float": Number, "bool": Flag, "str": Text, "tuple": tuple, "Literal": Literal,
    "Count": Count, "Steps": Steps, "Positive": Positive, "NonNegative": NonNegative,
    "Probability": Probability, "Rate": Rate, "Discount": Discount, "Threshold": Threshold,
}  # fmt: skip
