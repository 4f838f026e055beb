"""What each exception class of requests, urllib3, aiohttp and tweepy says about a post, as data.

By name, so that a channel loads only the client it uses; a test walks the four libraries and fails for a
class without a row, and for a row without a class. `channels/http.py` reads it.
"""

from dataclasses import dataclass

from broadcaster.domain.errors import NotConfigured, NotSent, OutcomeUnknown, Refused, SendError


@dataclass(frozen=True)
class Meaning:
    """What an exception or a code of a platform says about a post: a row of a table."""

    outcome: type[SendError]
    code: str
    text: str = ""

    def error(self, detail: str) -> SendError:
        """`detail` must be redacted already."""
        return self.outcome(self.code, self.text or None, detail=detail)


#: Wherever one of these stands in the chain of causes, no byte of the request left.
BEFORE_SENDING = frozenset(
    {
        "aiohttp.client_exceptions.ClientConnectorCertificateError",
        "aiohttp.client_exceptions.ClientConnectorDNSError",
        "aiohttp.client_exceptions.ClientConnectorError",
        "aiohttp.client_exceptions.ClientConnectorSSLError",
        "aiohttp.client_exceptions.ClientProxyConnectionError",
        "aiohttp.client_exceptions.ClientSSLError",
        "aiohttp.client_exceptions.ConnectionTimeoutError",
        "aiohttp.client_exceptions.ServerFingerprintMismatch",
        "aiohttp.client_exceptions.UnixClientConnectorError",
        "requests.exceptions.ConnectTimeout",
        "requests.exceptions.ProxyError",
        "socket.gaierror",
        "ssl.SSLCertVerificationError",
        "urllib3.exceptions.ClosedPoolError",
        "urllib3.exceptions.ConnectTimeoutError",
        "urllib3.exceptions.EmptyPoolError",
        "urllib3.exceptions.NameResolutionError",
        "urllib3.exceptions.NewConnectionError",
        "urllib3.exceptions.ProxyError",
        "urllib3.util.ssl_match_hostname.CertificateError",
    }
)

BAD_ADDRESS = Meaning(
    NotConfigured,
    "bad_address",
    "The account's address cannot be used. Correct base_url in the account's file.",
)
_BAD_REQUEST = Meaning(
    NotConfigured,
    "bad_request",
    "The request could not be built, so nothing was sent. Check the account's file.",
)
NOT_CONNECTED = Meaning(
    NotSent, "not_connected", "The platform could not be reached; nothing was sent. It is tried again."
)
TLS_FAILED = Meaning(
    NotSent,
    "tls_failed",
    "The platform's certificate or encryption could not be verified, so nothing was sent to it.",
)
REDIRECTED = Meaning(
    Refused,
    "redirected",
    "The platform answered with another address, which is never followed. Check base_url.",
)
CREDENTIALS_REFUSED = Meaning(
    NotConfigured,
    "credentials_refused",
    "The platform does not accept this account's credentials. Check them in the account's file.",
)
TIMED_OUT = Meaning(
    OutcomeUnknown, "read_timeout", "The platform did not answer in time; it may have the post."
)
BROKEN_OFF = Meaning(
    OutcomeUnknown,
    "connection_lost",
    "The connection broke after sending began; the platform may have the post.",
)
UNREADABLE = Meaning(
    OutcomeUnknown, "unreadable_answer", "The platform's answer could not be read; it may have the post."
)

_GROUPS: dict[tuple[Meaning, str], str] = {
    (BAD_ADDRESS, "requests.exceptions"): """
        InvalidProxyURL InvalidSchema InvalidURL MissingSchema URLRequired""",
    (BAD_ADDRESS, "urllib3.exceptions"): """
        LocationParseError LocationValueError ProxySchemeUnknown ProxySchemeUnsupported URLSchemeUnknown""",
    (BAD_ADDRESS, "aiohttp.client_exceptions"): "InvalidURL InvalidUrlClientError NonHttpUrlClientError",
    (_BAD_REQUEST, "requests.exceptions"): "InvalidHeader UnrewindableBodyError FileModeWarning",
    (_BAD_REQUEST, "urllib3.exceptions"): "InvalidHeader UnrewindableBodyError",
    (_BAD_REQUEST, "aiohttp.payload"): "LookupError",
    (REDIRECTED, "requests.exceptions"): "TooManyRedirects",
    (REDIRECTED, "urllib3.exceptions"): "HostChangedError",
    (REDIRECTED, "aiohttp.client_exceptions"): """
        InvalidUrlRedirectClientError NonHttpUrlRedirectClientError RedirectClientError TooManyRedirects""",
    (TIMED_OUT, "requests.exceptions"): "ReadTimeout Timeout",
    (TIMED_OUT, "urllib3.exceptions"): "ReadTimeoutError TimeoutError",
    (TIMED_OUT, "aiohttp.client_exceptions"): "ServerTimeoutError SocketTimeoutError",
    (TIMED_OUT, "builtins"): "TimeoutError",
    (BROKEN_OFF, "requests.exceptions"): """
        ConnectionError SSLError RetryError RequestException RequestsWarning RequestsDependencyWarning""",
    (BROKEN_OFF, "urllib3.exceptions"): """
        FullPoolError HTTPError MaxRetryError PoolError ProtocolError RequestError SSLError TimeoutStateError
        DependencyWarning HTTPWarning InsecurePlatformWarning InsecureRequestWarning NotOpenSSLWarning SecurityWarning
        SystemTimeWarning""",
    (BROKEN_OFF, "aiohttp.client_exceptions"): """
        ClientConnectionError ClientConnectionResetError ClientError ClientOSError ServerConnectionError
        ServerDisconnectedError UploadAbortedError""",
    (BROKEN_OFF, "aiohttp.streams"): "EofStream",
    (BROKEN_OFF, "tweepy.errors"): "TweepyException",
    (UNREADABLE, "requests.exceptions"): """
        ChunkedEncodingError ContentDecodingError HTTPError InvalidJSONError JSONDecodeError StreamConsumedError""",
    (UNREADABLE, "requests.cookies"): "CookieConflictError",
    (UNREADABLE, "urllib3.exceptions"): """
        BodyNotHttplibCompatible DecodeError HeaderParsingError IncompleteRead InvalidChunkLength ResponseError
        ResponseNotChunked""",
    (UNREADABLE, "aiohttp.client_exceptions"): """
        ClientPayloadError ClientResponseError ContentTypeError WSMessageTypeError WSServerHandshakeError""",
    (UNREADABLE, "aiohttp.http_exceptions"): """
        BadHttpMessage BadHttpMethod BadStatusLine ContentEncodingError ContentLengthError DecompressSizeError
        HttpBadRequest HttpProcessingError InvalidHeader InvalidURLError LineTooLong PayloadEncodingError
        TransferEncodingError""",
    (UNREADABLE, "aiohttp.multipart"): "BadContentDispositionHeader BadContentDispositionParam",
    (UNREADABLE, "aiohttp.compression_utils"): "TooManyMembersError",
    (UNREADABLE, "aiohttp._websocket.models"): "WSHandshakeError WebSocketError",
    (UNREADABLE, "tweepy.errors"): """
        BadRequest Forbidden HTTPException NotFound TooManyRequests TwitterServerError Unauthorized""",
}

_PROXY = Meaning(NotSent, "not_connected", "The way to the platform was refused; nothing was sent.")

#: By full class name. Classes in BEFORE_SENDING are judged there, wherever they stand in a chain.
MEANINGS: dict[str, Meaning] = {
    f"{module}.{name}": meaning for (meaning, module), names in _GROUPS.items() for name in names.split()
} | {"aiohttp.client_exceptions.ClientHttpProxyError": _PROXY}
