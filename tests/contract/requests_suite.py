"""What a channel that talks through a `FencedSession` must do besides: end in time, and know every error of its client."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import pytest
import requests
import urllib3
from requests.adapters import BaseAdapter

from broadcaster.domain.errors import NotSent, OutcomeUnknown, Refused
from channels.base import Channel
from channels.http import Timeouts, from_exception
from tests.contract.channel_suite import HASTY, PATIENT, ChannelSuite, attempt, close, subclasses
from tests.contract.platform_server import TRICKLES, Answer


class _Raising(BaseAdapter):
    """In the place of the network: raises, and counts how often it was asked."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.asked, self._error = 0, error

    def send(self, *_: Any, **__: Any) -> Any:
        self.asked += 1
        raise self._error

    def close(self) -> None:
        """Nothing is open."""


class OverRequests(ChannelSuite):
    """The shared suite and more; `plain` makes the channel as the service does."""

    plain: ClassVar[Callable[[str], Channel]]
    client_errors: ClassVar[Sequence[type[BaseException]]] = (
        requests.RequestException,
        urllib3.exceptions.HTTPError,
    )

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        super().pytest_generate_tests(metafunc)
        if "client_error" in metafunc.fixturenames:
            classes = subclasses(*self.client_errors)
            metafunc.parametrize("client_error", classes, ids=lambda cls: f"{cls.__module__}.{cls.__name__}")

    @pytest.mark.parametrize("fault", TRICKLES)
    def test_an_answer_that_trickles_ends_in_time_and_is_unknown_and_not_repeated(
        self, platform, fault
    ) -> None:
        platform.answer = Answer(fault=fault)
        channel = self.table.build(platform.url, HASTY, None)
        error = attempt(channel, self.table.post)
        assert (type(error), error.code) == (OutcomeUnknown, "read_timeout")
        assert len(platform.calls) == 1

    def test_every_error_of_the_client_has_the_outcome_of_the_table_and_is_not_repeated(
        self, platform, client_error
    ) -> None:
        error = client_error.__new__(client_error)
        error.args = ()
        channel = self.table.build(platform.url, PATIENT, None)
        raising = _Raising(error)
        channel._session.mount("http://", raising)
        post = replace(self.table.post, images=())
        failure = attempt(channel, post)
        assert isinstance(failure, NotSent | Refused | OutcomeUnknown)
        expected = from_exception(error)
        assert (type(failure), failure.code) == (type(expected), expected.code)
        assert expected.code != "unheard_of_error"
        assert raising.asked == 1

    def test_the_service_s_channel_has_the_default_time_outs(self) -> None:
        channel = type(self).plain("https://platform.example")
        assert channel._session.timeouts == Timeouts(connect_s=3, read_s=10, total_s=15)
        close(channel)
