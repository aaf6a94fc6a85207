"""What an edition says of its publisher, from the region's declarations. No data logic."""

from publication.imprint import Imprint
from sources.region import Region


def imprint_of(region: Region) -> Imprint:
    """Return what the forms of an edition say of themselves.

    Raises:
        ValueError: the region has no `publikation.yaml`.
    """
    told = region.publikation
    if told is None:
        raise ValueError(
            f"region {region.region}: expected a publikation.yaml, found none; say there who "
            "publishes, under which licence, and what the profiles lead with"
        )
    return Imprint(
        region=region.region,
        region_name=region.name,
        titel=told.titel,
        beschreibung=told.beschreibung,
        kennung=str(told.kennung),
        organisation=told.herausgeber.organisation,
        stelle=told.herausgeber.stelle,
        email=told.herausgeber.email,
        url=told.herausgeber.url,
        lizenz_kennung=told.lizenz.kennung,
        lizenz_name=told.lizenz.name,
        lizenz_url=told.lizenz.url,
        lizenz_dcat=told.lizenz.dcat,
        quellenvermerk=told.lizenz.quellenvermerk,
        schlagworte=told.schlagworte,
        stufennamen=told.stufennamen,
        stufen=told.steckbriefe.stufen,
        leitindikatoren=told.steckbriefe.leitindikatoren,
        leitindex=told.steckbriefe.leitindex,
        stellungnahme_pflicht=told.steckbriefe.stellungnahme == "pflicht",
        kommunen=tuple(one.kommune_id for one in region.kommunen if one.teilnahme),
    )
