{{ needs('ewo_bestand') }}
{# Grain: registered person × dwelling × delivery. #}
select
    delivery_id, row_number, liefereinheit, stichtag, person_id, ehegatte_id, vater_id,
    mutter_id, kommune_id, strassenschluessel, strasse, hausnummer, hausnummer_zusatz,
    wohnungsstatus, geburtsmonat, geschlecht, familienstand, staat1, staat2,
    art_deutsche_sta, geburtsland, einzug_wohnung
from {{ source('landing', 'ewo_bestand') }}
