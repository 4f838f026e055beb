"""Counting, as the platforms count: the whole of it under one name. No input or output."""

from channels.text_sms import GSM_BASIC, GSM_EXTENSION, SmsSize, sms_segments, sms_size
from channels.text_units import graphemes, utf16_units
from channels.text_x import MAX_X_WEIGHT, X_LINK_WEIGHT, x_weight

__all__ = [
    "GSM_BASIC",
    "GSM_EXTENSION",
    "MAX_X_WEIGHT",
    "X_LINK_WEIGHT",
    "SmsSize",
    "graphemes",
    "sms_segments",
    "sms_size",
    "utf16_units",
    "x_weight",
]
