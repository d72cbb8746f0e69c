"""What Prisma's command line finds when prisma_cli.py starts it: an environment, and a bundle laid out as files."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlencode

from litellm_database_operator.migrator.content import Content
from litellm_database_operator.migrator.session import APPLICATION_NAME
from litellm_database_operator.migrator.settings import Login, Settings
from litellm_database_operator.model.secret import quote_option

CLI_NAME: Final = f"{APPLICATION_NAME}-prisma"
"""application_name of the command line's own sessions."""
_PROVIDER: Final = 'provider = "postgresql"\n'


def database_url(login: Login) -> str:
    """Return what the command line is told of the database: a URL with libpq's words, which its config understands."""
    options = {"search_path": quote_option(login.schema), "lock_timeout": "0", "default_transaction_read_only": "off"}
    told = {
        "schema": login.schema,
        "sslmode": login.tls,
        "options": " ".join(f"-c{name}={value}" for name, value in options.items()),
        "application_name": CLI_NAME,
    } | ({} if login.ca is None else {"sslrootcert": str(login.ca)})
    host = f"[{login.host}]" if ":" in login.host else login.host
    who = f"{quote(login.username, safe='')}:{quote(login.password.reveal(), safe='')}"
    where = f"{host}:{login.port}/{quote(login.database, safe='')}"
    return f"postgresql://{who}@{where}?{urlencode(told, quote_via=quote, safe='')}"


def environment(settings: Settings, inherited: Mapping[str, str]) -> dict[str, str]:
    """Return all that the command line is given: nothing else of our environment, above all no proxy.

    What PyPI's prisma reads: https://prisma-client-py.readthedocs.io/en/stable/reference/config/
    """
    folder = Path(settings.node).parent
    path = inherited.get("PATH", "/usr/bin:/bin")
    kept = {"PYTHONPATH": inherited["PYTHONPATH"]} if "PYTHONPATH" in inherited else {}
    return kept | {
        "PATH": f"{folder}:{path}" if folder.is_absolute() else path,
        "HOME": "/nonexistent",  # it must be set, for a uid that is in no passwd, and nothing is to be written there
        "NO_COLOR": "1",
        "DATABASE_URL": database_url(settings.login),
        "PRISMA_BINARY_CACHE_DIR": str(cli_folder(settings)),
        "PRISMA_USE_NODEJS_BIN": "false",
        "PRISMA_CLIENT_ENGINE_TYPE": "client",
        "PRISMA_ENGINES_MIRROR": "http://127.0.0.1:1",  # should it ever want an engine: nothing is downloaded
        "PRISMA_HIDE_UPDATE_MESSAGE": "1",
        "CHECKPOINT_DISABLE": "1",
        "JITI_FS_CACHE": "false",  # what reads the config would keep it in /tmp, and believe what it finds there
        "PRISMA_SCHEMA_DISABLE_ADVISORY_LOCK": "1",  # the session that started it has the lock
    }


def cli_folder(settings: Settings) -> Path:
    """Return where Prisma's command line and its config lie."""
    return settings.engine.parent / "prisma-cli"


def lay_out(content: Content, folder: Path) -> None:
    """Write a bundle as Prisma wants to find it; what another try has left gives way."""
    migrations = folder / "migrations"
    shutil.rmtree(migrations, ignore_errors=True)
    for migration in content.migrations:
        place = migrations / migration.name
        place.mkdir(parents=True)
        (place / "migration.sql").write_bytes(migration.script)
    (migrations / "migration_lock.toml").write_text(_PROVIDER)
    (folder / "schema.prisma").write_bytes(content.datamodel.read_bytes())
