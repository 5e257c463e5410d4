"""The way to the API server by the `kubernetes` package: kubeconfigs with their plugins and logins, and proxies.

This is the only module that imports the package, of which only that is used. Its models cost 1,460 us a pod, and its watch
loses its place.
"""

from pathlib import Path

from kubernetes import client, config
from kubernetes.client.rest import RESTClientObject

from ksm_shard.cluster.calls import socket_options
from ksm_shard.cluster.config import CONNECTIONS, CredentialsError, RestConfig
from ksm_shard.cluster.errors import ConfigurationError
from ksm_shard.files import reason, yaml_fault


def load(apiserver: str | None, kubeconfig: str | None) -> RestConfig:
    """Return the way that the kubeconfig, the pod or the usual kubeconfig tell, in this order.

    Raises:
        ConfigurationError: no server was found, or the kubeconfig is missing or broken.
    """
    configuration = client.Configuration()
    _find(configuration, apiserver, kubeconfig)
    if apiserver is not None:
        configuration.host = apiserver
    return rest_config(configuration)


def rest_config(configuration: client.Configuration) -> RestConfig:
    """Return the way that a configuration of the package tells."""
    configuration.connection_pool_maxsize = CONNECTIONS
    configuration.socket_options = socket_options()
    # The reflector decides when to ask again. urllib3's own retries would sleep through Retry-After, and stop could not
    # wake them.
    configuration.retries = False

    def authorization() -> str:
        # The hook of the package reads a rotated token or runs an exec plugin when due.
        try:
            token = configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
        except Exception as error:  # a plugin, a file or a cloud's login may raise anything
            _raise_if_ours(error)
            raise CredentialsError(reason(error)) from error
        return (token or "").strip()

    pool = RESTClientObject(configuration).pool_manager
    return RestConfig(configuration.host, pool, authorization, configuration.verify_ssl)


def _find(configuration: client.Configuration, apiserver: str | None, kubeconfig: str | None) -> None:
    if kubeconfig is not None:
        _read(configuration, kubeconfig)
    elif apiserver is not None and apiserver.startswith("http://"):
        return  # a token must not be sent over an unencrypted connection
    else:
        try:
            config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
        except config.ConfigException as error:
            usual = config.KUBE_CONFIG_DEFAULT_LOCATION
            if any(Path(part).expanduser().exists() for part in usual.split(":") if part):
                _read(configuration, usual)
            elif apiserver is None:
                raise ConfigurationError(
                    f"no API server: not in a cluster ({error.args[0]}), and no kubeconfig at {usual}; "
                    "expected one of --kubeconfig FILE and --apiserver URL"
                ) from None


def _read(configuration: client.Configuration, kubeconfig: str) -> None:
    if not any(Path(part).expanduser().exists() for part in kubeconfig.split(":") if part):
        raise ConfigurationError(f"kubeconfig {kubeconfig}: no such file")
    try:
        # Not persisted: a renewed token is no reason to write to a file that is often mounted read-only.
        config.load_kube_config(  # type: ignore[no-untyped-call]
            config_file=kubeconfig, client_configuration=configuration, persist_config=False
        )
    except Exception as error:  # the package lets KeyError, TypeError and YAML's own errors through as well
        _raise_if_ours(error)
        raise ConfigurationError(f"kubeconfig {kubeconfig}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """Return why a kubeconfig cannot be used."""
    if hasattr(error, "problem_mark"):  # a YAML error
        return f"is not YAML: {yaml_fault(error)}"
    text = " ".join(str(error).split())
    if isinstance(error, (AttributeError, LookupError, TypeError)):  # the package does not look before it reads
        return f"expected a kubeconfig, got something else ({text})"
    return text or type(error).__name__


def _raise_if_ours(error: Exception) -> None:
    """Raise a TypeError of the call itself, whose arguments are wrong.

    A TypeError from deeper inside the called code has a longer traceback and is left to the caller.
    """
    if isinstance(error, TypeError) and error.__traceback__ is not None and error.__traceback__.tb_next is None:
        raise error
