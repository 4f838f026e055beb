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

_BAD_ADDRESS = Meaning(
    NotConfigured,
    "bad_address",
    "The account's address cannot be used. Correct base_url in the account's file.",
)
_BAD_REQUEST = Meaning(
    NotConfigured,
    "bad_request",
    "The request could not be built, so nothing was sent. Check the account's file.",
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
_TIMED_OUT = Meaning(
    OutcomeUnknown, "read_timeout", "The platform did not answer in time; it may have the post."
)
_BROKEN_OFF = Meaning(
    OutcomeUnknown,
    "connection_lost",
    "The connection broke after sending began; the platform may have the post.",
)
_UNREADABLE = Meaning(
    OutcomeUnknown, "unreadable_answer", "The platform's answer could not be read; it may have the post."
)

_GROUPS: dict[tuple[Meaning, str], str] = {
    (_BAD_ADDRESS, "requests.exceptions"): """
        InvalidProxyURL InvalidSchema InvalidURL MissingSchema URLRequired""",
    (_BAD_ADDRESS, "urllib3.exceptions"): """
        LocationParseError LocationValueError ProxySchemeUnknown ProxySchemeUnsupported URLSchemeUnknown""",
    (_BAD_ADDRESS, "aiohttp.client_exceptions"): "InvalidURL InvalidUrlClientError NonHttpUrlClientError",
    (_BAD_REQUEST, "requests.exceptions"): "InvalidHeader UnrewindableBodyError FileModeWarning",
    (_BAD_REQUEST, "urllib3.exceptions"): "InvalidHeader UnrewindableBodyError",
    (_BAD_REQUEST, "aiohttp.payload"): "LookupError",
    (REDIRECTED, "requests.exceptions"): "TooManyRedirects",
    (REDIRECTED, "urllib3.exceptions"): "HostChangedError",
    (REDIRECTED, "aiohttp.client_exceptions"): """
        InvalidUrlRedirectClientError NonHttpUrlRedirectClientError RedirectClientError TooManyRedirects""",
    (_TIMED_OUT, "requests.exceptions"): "ReadTimeout Timeout",
    (_TIMED_OUT, "urllib3.exceptions"): "ReadTimeoutError TimeoutError",
    (_TIMED_OUT, "aiohttp.client_exceptions"): "ServerTimeoutError SocketTimeoutError",
    (_TIMED_OUT, "builtins"): "TimeoutError",
    (_BROKEN_OFF, "requests.exceptions"): """
        ConnectionError SSLError RetryError RequestException RequestsWarning RequestsDependencyWarning""",
    (_BROKEN_OFF, "urllib3.exceptions"): """
        FullPoolError HTTPError MaxRetryError PoolError ProtocolError RequestError SSLError TimeoutStateError
        DependencyWarning HTTPWarning InsecurePlatformWarning InsecureRequestWarning NotOpenSSLWarning SecurityWarning
        SystemTimeWarning""",
    (_BROKEN_OFF, "aiohttp.client_exceptions"): """
        ClientConnectionError ClientConnectionResetError ClientError ClientOSError ServerConnectionError
        ServerDisconnectedError UploadAbortedError""",
    (_BROKEN_OFF, "aiohttp.streams"): "EofStream",
    (_BROKEN_OFF, "tweepy.errors"): "TweepyException",
    (_UNREADABLE, "requests.exceptions"): """
        ChunkedEncodingError ContentDecodingError HTTPError InvalidJSONError JSONDecodeError StreamConsumedError""",
    (_UNREADABLE, "requests.cookies"): "CookieConflictError",
    (_UNREADABLE, "urllib3.exceptions"): """
        BodyNotHttplibCompatible DecodeError HeaderParsingError IncompleteRead InvalidChunkLength ResponseError
        ResponseNotChunked""",
    (_UNREADABLE, "aiohttp.client_exceptions"): """
        ClientPayloadError ClientResponseError ContentTypeError WSMessageTypeError WSServerHandshakeError""",
    (_UNREADABLE, "aiohttp.http_exceptions"): """
        BadHttpMessage BadHttpMethod BadStatusLine ContentEncodingError ContentLengthError DecompressSizeError
        HttpBadRequest HttpProcessingError InvalidHeader InvalidURLError LineTooLong PayloadEncodingError
        TransferEncodingError""",
    (_UNREADABLE, "aiohttp.multipart"): "BadContentDispositionHeader BadContentDispositionParam",
    (_UNREADABLE, "aiohttp.compression_utils"): "TooManyMembersError",
    (_UNREADABLE, "aiohttp._websocket.models"): "WSHandshakeError WebSocketError",
    (_UNREADABLE, "tweepy.errors"): """
        BadRequest Forbidden HTTPException NotFound TooManyRequests TwitterServerError Unauthorized""",
}

_PROXY = Meaning(NotSent, "not_connected", "The way to the platform was refused; nothing was sent.")

#: By full class name. Classes in BEFORE_SENDING are judged there, wherever they stand in a chain.
MEANINGS: dict[str, Meaning] = {
    f"{module}.{name}": meaning for (meaning, module), names in _GROUPS.items() for name in names.split()
} | {"aiohttp.client_exceptions.ClientHttpProxyError": _PROXY}
