{{ needs('seu_einzeldaten') }}
{# Grain: examined child × delivery. #}
select
    delivery_id, row_number, liefereinheit, stichtag, kind_id, raum_id, kommune_id,
    einschulungsjahr, sopess_sprache, impfbuch, mmr_anzahl, vorsorgeheft, u8, u9
from {{ source('landing', 'seu_einzeldaten') }}
