{{ needs('ba_einzeldaten') }}
{# Grain: person in a Bedarfsgemeinschaft × delivery. #}
select
    delivery_id, row_number, liefereinheit, stichtag, person_id, bg_id, raum_id, kommune_id,
    alter, geschlecht, staatsangehoerigkeit, personengruppe, bg_typ
from {{ source('landing', 'ba_einzeldaten') }}
