{# Inhabitants by the crossings that a feed gives, from a relation with `jahre` (whole years of age),
   sex, nationality group and `anzahl`. Grain: delivery × area × crossing. #}
{% macro kreuzungen_of(relation, feed) -%}
select
    '{{ feed }}' as feed,
    counted.delivery_id,
    counted.liefereinheit,
    counted.raum_id,
    counted.gebietsstand,
    counted.stichtag,
    kreuzung.basis,
    kreuzung.altersgruppe,
    kreuzung.geschlecht,
    kreuzung.staatsangehoerigkeit,
    sum(counted.anzahl) as anzahl,
    cast(null as varchar) as zustand,
    false as geschaetzt
from {{ relation }} as counted
inner join {{ ref('kreuzungen') }} as kreuzung on kreuzung.feed = '{{ feed }}'
left join {{ ref('altersgruppen') }} as bands on bands.altersgruppe = kreuzung.altersgruppe
where (kreuzung.altersgruppe = 'insgesamt'
        or (counted.jahre >= bands.von and counted.jahre <= coalesce(bands.bis, counted.jahre)))
    and kreuzung.geschlecht in ('insgesamt', counted.geschlecht)
    and kreuzung.staatsangehoerigkeit in ('insgesamt', counted.staatsangehoerigkeit)
group by counted.delivery_id, counted.liefereinheit, counted.raum_id, counted.gebietsstand,
    counted.stichtag, kreuzung.basis, kreuzung.altersgruppe, kreuzung.geschlecht,
    kreuzung.staatsangehoerigkeit
{%- endmacro %}
