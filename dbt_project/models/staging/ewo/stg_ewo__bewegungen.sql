{{ needs('ewo_bewegung') }}
{# Grain: event of a person × delivery. #}
select
    delivery_id, row_number, liefereinheit, stichtag, person_id, bewegungsart,
    ereignisdatum, verarbeitungsdatum, kommune_id, geburtsmonat
from {{ source('landing', 'ewo_bewegung') }}
