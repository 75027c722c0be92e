"""``confluent kafka region``: the regions of cloud providers. A practice cluster only remembers where it would be.

Source: a part of Confluent Cloud's list of regions in its documentation, autumn 2026; it grows now and then.
"""

from __future__ import annotations

from collections.abc import Sequence

from kit.practice.commands import Command, Group
from kit.practice.context import Context
from kit.practice.errors import CliError
from kit.practice.flags import Flag, Flags
from kit.practice.output import OUTPUT, Field

REGIONS = {
    "aws": {
        "ap-northeast-1": "Tokyo",
        "ap-south-1": "Mumbai",
        "ap-southeast-1": "Singapore",
        "ap-southeast-2": "Sydney",
        "ca-central-1": "Canada Central",
        "eu-central-1": "Frankfurt",
        "eu-north-1": "Stockholm",
        "eu-west-1": "Ireland",
        "eu-west-2": "London",
        "eu-west-3": "Paris",
        "sa-east-1": "São Paulo",
        "us-east-1": "N. Virginia",
        "us-east-2": "Ohio",
        "us-west-2": "Oregon",
    },
    "azure": {
        "australiaeast": "New South Wales",
        "canadacentral": "Canada",
        "centralus": "Iowa",
        "eastus": "Virginia",
        "eastus2": "Virginia",
        "francecentral": "France",
        "germanywestcentral": "Germany West Central",
        "japaneast": "Japan East",
        "northeurope": "Ireland",
        "southeastasia": "Singapore",
        "uksouth": "London",
        "westeurope": "Netherlands",
        "westus2": "Washington",
    },
    "gcp": {
        "asia-east1": "Taiwan",
        "asia-northeast1": "Tokyo",
        "asia-south1": "Mumbai",
        "asia-southeast1": "Singapore",
        "australia-southeast1": "Sydney",
        "europe-west1": "Belgium",
        "europe-west2": "London",
        "europe-west3": "Frankfurt",
        "europe-west4": "Netherlands",
        "northamerica-northeast1": "Montreal",
        "us-central1": "Iowa",
        "us-east1": "S. Carolina",
        "us-east4": "N. Virginia",
        "us-west1": "Oregon",
        "us-west2": "Los Angeles",
    },
}

CLOUD = Flag("cloud", 'Specify the cloud provider as "aws", "azure", or "gcp".')

_FIELDS = (Field("Name", "name"), Field("Cloud", "cloud"), Field("Region", "region"))


def check_region(cloud: str, region: str) -> None:
    """Refuse a cloud provider or a region that is not there.

    Raises:
        CliError: the text names it, and the command that lists what there is.
    """
    if cloud not in REGIONS:
        raise CliError(
            f'"{cloud}" is not an available cloud provider',
            "To view a list of available cloud providers and regions, use `confluent kafka region list`.",
        )
    if region not in REGIONS[cloud]:
        raise CliError(
            f'"{region}" is not an available region for "{cloud}"',
            f'To view a list of available regions for "{cloud}", use `confluent kafka region list --cloud {cloud}`.',
        )


def _list(context: Context, _args: Sequence[str], flags: Flags) -> None:
    wanted = flags["cloud"]
    rows = [
        {"name": name, "cloud": cloud.upper(), "region": region}
        for cloud, regions in REGIONS.items()
        for region, name in regions.items()
        if wanted in ("", cloud)
    ]
    context.print_list(flags, _FIELDS, rows)


GROUPS = (Group("kafka region", "Manage cloud regions."),)
COMMANDS = (Command("kafka region list", "List cloud provider regions.", _list, (CLOUD, OUTPUT)),)
