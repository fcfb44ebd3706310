"""Names for the types and ranges of plug-ins' options.

A plug-in's options are annotated with them, and are read without importing the plug-in.
"""

from typing import Annotated, Literal

from pydantic import Field, Strict

MANY = 10**9  # more than any run needs

Integer = Annotated[int, Strict()]
Number = Annotated[float, Strict(), Field(allow_inf_nan=False)]
Flag = Annotated[bool, Strict()]
Text = Annotated[str, Strict()]
Count = Annotated[Integer, Field(gt=0, le=10_000)]
Steps = Annotated[Integer, Field(ge=0, le=MANY)]
Positive = Annotated[Number, Field(gt=0, le=1e9)]
NonNegative = Annotated[Number, Field(ge=0, le=1e9)]
Probability = Annotated[Number, Field(ge=0, le=1)]
Fraction = Annotated[Number, Field(gt=0, lt=1)]
Rate = Annotated[Number, Field(gt=0, le=1)]  # the weight of the newest value in a moving average
Discount = Annotated[Number, Field(ge=0, lt=1)]
Threshold = Literal["mean"] | Annotated[Number, Field(ge=0, le=100)]  # the mean, or a percentile

# The names that an option's annotation may use.
NAMES = {
    "int": Integer, "float": Number, "bool": Flag, "str": Text, "tuple": tuple, "Literal": Literal,
    "Count": Count, "Steps": Steps, "Positive": Positive, "NonNegative": NonNegative,
    "Probability": Probability, "Fraction": Fraction, "Rate": Rate, "Discount": Discount,
    "Threshold": Threshold,
}  # fmt: skip
