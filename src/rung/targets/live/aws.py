"""An account of Amazon Web Services, asked through botocore: readers only, with time-outs, retries and one client a service and region."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from threading import Event, Lock
from typing import Any

from msgspec import Struct

from rung import __version__
from rung.expressions import regex
from rung.records import Coverage, ResourceType, TargetError, TargetInfo
from rung.targets.live.driver import DENIED, Allowed, CallError, interrupted

HOME = "us-east-1"
"""The region that is asked where nothing names one."""
OWN = ("sts:GetCallerIdentity", "ec2:DescribeRegions", "organizations:ListAccounts")
"""The calls that tell whose account it is, which regions it has, and which accounts are in its organisation."""
_ATTEMPTS = 6
"""Tries of one call, with waits that double and are cut by chance."""
_SILENCES = 3
"""Tries in a row without an answer after which none is repeated of a service in a region."""
_CONNECT_SECONDS = 5
_AT_ONCE = 32
_CLIENTS = 64
"""Clients that are kept: each takes a third of a megabyte, and there is one for each service in each of dozens of regions."""
_SESSION = "rung"
"""What the trail of an account calls the sessions of assumed roles."""
_ORGANIZATION_ROLE = "OrganizationAccountAccessRole"
_DENIED = regex(r"AccessDenied|Unauthori[sz]ed|NotAuthori[sz]ed|AuthorizationError|Forbidden|^403$|MissingAuthenticationToken")
_THROTTLED = regex(r"Throttl|TooManyRequests|RequestLimitExceeded|SlowDown|ProvisionedThroughputExceeded|LimitExceededException|^429$")
_EXPIRED = regex(r"ExpiredToken|RequestExpired|TokenRefreshRequired")
_UNKNOWN_HERE = regex(
    r"UnrecognizedClient|InvalidClientTokenId|AuthFailure|SignatureDoesNotMatch|InvalidAccessKeyId|OptInRequired|^InvalidToken$"
)
_NOT_SUBSCRIBED = regex(r"SubscriptionRequired|NotSignedUp")
_PAGE = re.compile(rb"(?i)<!doctype html|<html")
"""A page for people, as a proxy or a login puts it in the place of an answer."""
_ACTION = regex(r"to perform:? ([a-z0-9-]+:[A-Za-z0-9]+)")


class Role(Struct, frozen=True, kw_only=True):
    """A role that is taken on before an account is asked."""

    arn: str
    external_id: str = ""
    tags: tuple[tuple[str, str], ...] = ()


class Login(Struct, frozen=True, kw_only=True):
    """How accounts are come by."""

    profile: str = ""
    """A profile of the user's AWS configuration; empty for what botocore finds by itself (environment, workload identity, instance)."""
    regions: tuple[str, ...] = ()
    """Regions to ask; none for all that the account has enabled."""
    roles: tuple[Role, ...] = ()
    """Roles to take on, each an account of its own; none for the login's own account."""
    organization: str = ""
    """Name of the role to take on in each account of the login's organisation; empty for no organisation."""
    seconds: float = 20.0
    """How long a service may be silent."""


def open_accounts(login: Login, types: Iterable[ResourceType], *, stop: Event | None = None) -> Iterator[Account | Coverage]:
    """The accounts of a login, each ready to be asked; for one that can't be, what is missing.

    Args:
        login: how they are come by.
        types: what is listed of them; only its calls can be made.
        stop: ends what is waited for.

    Raises:
        TargetError: boto3 is not installed, or there is no such profile.
    """
    stop = stop or Event()
    allowed = Allowed(types, OWN)
    session = _session(login)
    name = login.profile or "default credentials"
    roles = list(login.roles)
    if login.organization:
        try:
            accounts = list(_members(Account(session, login, allowed, stop)))
        except CallError as error:
            yield _lost("aws", f"the organisation of {name}", error, "organizations:ListAccounts")
            accounts = []
        role = _ORGANIZATION_ROLE if login.organization == "true" else login.organization
        roles += [Role(arn=f"arn:{partition}:iam::{account}:role/{role}") for partition, account in accounts]
    if not roles and not login.organization:
        yield from _opened(lambda: Account(session, login, allowed, stop), name, "sts:GetCallerIdentity", stop)
    for one in roles:
        yield from _opened(lambda one=one: Account(_assumed(session, login, one), login, allowed, stop), one.arn, "sts:AssumeRole", stop)  # type: ignore[misc]


class Account:
    """One account; see `Driver`."""

    provider = "aws"

    def __init__(self, session: Any, login: Login, allowed: Allowed, stop: Event) -> None:
        self._session = session
        self._login = login
        self._allowed = allowed
        self._stop = stop
        self._silent: Counter[tuple[str, str]] = Counter()
        self._clients: dict[tuple[str, str], Any] = {}
        self._making = Lock()
        self._coverage: list[Coverage] = []
        self.partition = "aws"
        """Of regions; the identity tells whether it is another."""
        self._home = (login.regions[0] if login.regions else "") or session.region_name or HOME
        identity = next(self.pages("sts:GetCallerIdentity", {}, self._home))
        self._number = str(identity["Account"])
        self.partition = str(identity["Arn"]).split(":")[1]
        self.variables: Mapping[str, str] = {"account": self._number}

    @property
    def info(self) -> TargetInfo:
        """What it is: an account by its number."""
        return TargetInfo(id=f"aws:{self._number}", kind="account", uri=f"aws://{self._number}", name=self._number)

    def regions(self) -> tuple[str, ...]:
        """The regions asked for, or all that are enabled; the one that answers for what has no region is the first."""
        if self._login.regions:
            return self._login.regions
        try:
            page = next(self.pages("ec2:DescribeRegions", {}, self._home))
        except CallError as error:
            told = "the account's other regions"
            self._coverage = [
                Coverage(target=self.info.id, what=told, searched=False, reason=error.reason, needs=error.needs or "ec2:DescribeRegions")
            ]
            return (self._home,)
        names = sorted(region["RegionName"] for region in page["Regions"] if region.get("OptInStatus") != "not-opted-in")
        return (self._home, *(name for name in names if name != self._home))

    def pages(self, call: str, parameters: Mapping[str, Any], region: str) -> Iterator[Any]:
        """The pages of an answer; see `Driver`."""
        import botocore.exceptions as failures
        from botocore.parsers import ResponseParserError

        self._allowed.check(call)
        service = call.partition(":")[0]
        try:
            for page in self._answers(call, parameters, region):
                yield {key: value for key, value in page.items() if key != "ResponseMetadata"}
        except failures.ClientError as error:
            raise _refusal(error.response.get("Error", {})) from error
        except failures.EndpointConnectionError as error:
            if not self._offers(service, region):
                return
            raise CallError("no connection", code="EndpointConnectionError", needs="a connection to the service", silent=True) from error
        except (failures.ConnectTimeoutError, failures.ReadTimeoutError) as error:
            told = f"no answer within {self._login.seconds:g} s"
            raise CallError(told, code=type(error).__name__, needs="a region that answers", silent=True) from error
        except (failures.NoCredentialsError, failures.PartialCredentialsError, failures.CredentialRetrievalError) as error:
            raise CallError("there are no credentials", code="NoCredentials", needs="credentials of the account") from error
        except failures.UnknownServiceError as error:
            raise CallError("the installed boto3 does not know the call", code="Unknown", needs="a newer boto3") from error
        except failures.BotoCoreError as error:
            raise CallError(_sentence(error), code=type(error).__name__) from error
        except (ResponseParserError, AttributeError, KeyError, TypeError, ValueError) as error:  # What botocore meets in what is no answer.
            raise _unreadable() from error

    def _answers(self, call: str, parameters: Mapping[str, Any], region: str) -> Iterator[Mapping[str, Any]]:
        from botocore import xform_name
        from botocore.exceptions import UnknownServiceError

        service, _, operation = call.partition(":")
        method = xform_name(operation)
        client = self._client(service, region)
        if not hasattr(client, method):
            raise UnknownServiceError(service_name=call, known_service_names="")
        if client.can_paginate(method):
            yield from client.get_paginator(method).paginate(**parameters)
        else:
            yield getattr(client, method)(**parameters)

    def coverage(self) -> tuple[Coverage, ...]:
        """The regions that could not be told."""
        return tuple(self._coverage)

    def close(self) -> None:
        """Closes all connections."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()

    def _client(self, service: str, region: str) -> Any:
        with self._making:  # botocore makes one client at a time.
            client = self._clients.pop((service, region), None)
            if client is None:
                client = self._session.client(service, region_name=region, config=_config(self._login))
                client.meta.events.register("before-call", self._guard)
                client.meta.events.register("response-received", partial(self._tried, service, region))
                client.meta.events.register("after-call", _check)
                if len(self._clients) >= _CLIENTS:
                    del self._clients[next(iter(self._clients))]
            self._clients[service, region] = client  # At the end: the first is the one that was not used for longest.
        return client

    def _guard(self, model: Any, **_: Any) -> None:
        """The last look at each request, whoever makes it."""
        self._allowed.check(f"{model.service_model.service_name}:{model.name}")

    def _tried(self, service: str, region: str, exception: Exception | None, parsed_response: Any, **_: Any) -> None:
        """After each try: lets no other follow that would only take its time."""
        from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError

        if exception is None:
            self._silent[service, region] = 0
            if parsed_response["ResponseMetadata"].get("HTTPStatusCode", 0) < 300:
                return
        if self._stop.is_set():
            raise interrupted()
        if isinstance(exception, EndpointConnectionError) and not self._offers(service, region):
            raise exception
        if isinstance(exception, (ConnectTimeoutError, ReadTimeoutError)):
            self._silent[service, region] += 1
            if self._silent[service, region] >= _SILENCES:
                raise exception

    def _offers(self, service: str, region: str) -> bool:
        """Whether a region has a service at all, as far as botocore knows."""
        return region in self._session.get_available_regions(service, self.partition)


# ── Logging in ───────────────────────────────────────────────────────────────────────────────────────


def _session(login: Login) -> Any:
    try:
        import boto3
        from botocore.exceptions import ProfileNotFound
    except ImportError as error:
        raise TargetError("AWS accounts are scanned with boto3, which is not here: install rung[aws]") from error
    try:
        return boto3.Session(profile_name=login.profile or None)
    except ProfileNotFound as error:
        raise TargetError(f"there is no AWS profile `{login.profile}`: `aws configure list-profiles` shows those that are") from error


def _assumed(session: Any, login: Login, role: Role) -> Any:
    """A session of another role, whose credentials are renewed when they run out."""
    import boto3
    import botocore.session
    from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials

    extra: dict[str, Any] = {"RoleSessionName": _SESSION}
    if role.external_id:
        extra["ExternalId"] = role.external_id
    if role.tags:
        extra["Tags"] = [{"Key": key, "Value": value} for key, value in role.tags]
    own = session.get_credentials()
    if own is None:
        raise CallError("there are no credentials to take on the role with", code="NoCredentials", needs="credentials")
    region = session.region_name or (login.regions[0] if login.regions else HOME)
    fetcher = AssumeRoleCredentialFetcher(
        client_creator=lambda *names, **settings: session.client(*names, region_name=region, config=_config(login), **settings),
        source_credentials=own,
        role_arn=role.arn,
        extra_args=extra,
    )
    inner = botocore.session.Session()
    inner._credentials = DeferredRefreshableCredentials(refresh_using=fetcher.fetch_credentials, method="assume-role")  # noqa: SLF001 - sessions take no credentials that renew themselves otherwise
    return boto3.Session(botocore_session=inner, region_name=session.region_name)


def _members(account: Account) -> Iterator[tuple[str, str]]:
    """Partition and number of the active accounts of an organisation."""
    for page in account.pages("organizations:ListAccounts", {}, HOME):
        for member in page["Accounts"]:
            if member.get("State", member.get("Status")) == "ACTIVE":
                yield account.partition, member["Id"]


def _opened(make: Callable[[], Account], name: str, needs: str, stop: Event) -> Iterator[Account | Coverage]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        if stop.is_set():
            raise interrupted()
        yield make()
    except CallError as error:
        yield _lost("aws", name, error, needs)
    except ClientError as error:  # Of the call that takes on the role.
        yield _lost("aws", name, _refusal(error.response.get("Error", {})), needs)
    except BotoCoreError as error:
        yield _lost("aws", name, CallError(_sentence(error)), needs)


def _lost(target: str, what: str, error: CallError, needs: str) -> Coverage:
    return Coverage(target=target, what=what, searched=False, reason=error.reason, needs=error.needs or needs)


def _config(login: Login) -> Any:
    from botocore.config import Config

    settings: dict[str, Any] = {
        "connect_timeout": min(_CONNECT_SECONDS, login.seconds),
        "read_timeout": login.seconds,
        "max_pool_connections": _AT_ONCE,
        "retries": {"mode": "standard", "total_max_attempts": _ATTEMPTS},
        "user_agent_extra": f"rung/{__version__}",
    }
    if "AWS_ENDPOINT_URL" in os.environ:
        settings["inject_host_prefix"] = False  # One address for all services has no names before it.
    return Config(**settings)


# ── Answers ──────────────────────────────────────────────────────────────────────────────────────────


def _check(http_response: Any, parsed: Mapping[str, Any], model: Any, **_: Any) -> None:
    """Refuses an answer in which botocore found nothing, unless it says that there is nothing: what it can't read has nothing for it, too."""
    if http_response.status_code >= 300 or parsed.keys() - {"ResponseMetadata"} or model.output_shape is None:
        return
    content = http_response.content.strip()
    is_nothing = content.replace(b" ", b"") == b"{}" if "json" in model.service_model.resolved_protocol else not _PAGE.match(content)
    if model.output_shape.members and not is_nothing:
        raise _unreadable()


def _unreadable() -> CallError:
    return CallError("an answer that can't be read", code="Unreadable", needs="a service that answers")


def _refusal(error: Mapping[str, Any]) -> CallError:
    code, message = str(error.get("Code", "")), str(error.get("Message", ""))
    needs = "a service that answers"
    if _EXPIRED.search(code):
        reason, needs = "the credentials are expired", "fresh credentials"
    elif _NOT_SUBSCRIBED.search(code):
        reason, needs = "the account is not signed up for the service", "the service switched on"
    elif _UNKNOWN_HERE.search(code):
        reason, needs = "the credentials are not known there: the region is disabled, or they are wrong", "the region enabled"
    elif _DENIED.search(code):
        action = _ACTION.search(message)
        reason, needs = DENIED, action[1] if action else ""
    elif _THROTTLED.search(code):
        reason, needs = "throttled", "a scan when less is asked of the service"
    else:
        reason = f"failed ({code or 'no code'})"
    return CallError(reason, code=code, needs=needs, said=message)


def _sentence(error: Exception) -> str:
    return re.sub(r"\s+", " ", str(error))[:200].rstrip(".")


def regions_of(names: Sequence[str]) -> tuple[str, ...]:
    """Region names as configured; `all` stands for none named."""
    return () if "all" in names else tuple(names)
