{{ needs('ewo_bestand') }}
{# Inhabitants (only or main dwelling) with what follows from the register by declared rules.
   Rows of persons: a view that is read once, by int_ewo_bestand__counted. Grain: delivery × person.

   Persons and addresses go by keys of 64 bits, which hold for one delivery; a NULL pointer has
   the key of nobody.
   - A month of birth 00 counts as January, so that the age is the one reached in the year.
   - Sex divers or without entry is counted as maennlich or weiblich by the parity of the pseudonym.
   - German is who has a German nationality among the two, in whatever order they came.
   - Migrationshintergrund (an estimate): a foreigner; a second nationality; German by
     Einbürgerung, as Aussiedler or by Option; born abroad; minors also through a parent in the
     same register.
   - Ten years in the dwelling: moved in on the same day ten years ago or before. Who has no day of
     moving in does not count as one of them.
   - Below the age limit of SGB II: by year and month of birth, see dim_altersgrenze.
   - Household (an estimate): one address. A couple are spouses there, or the unmarried parents
     of a child there. An unmarried child under 27 belongs to the mother, else to the father,
     unless it has a child there itself. #}
with persons as (
    select
        person.delivery_id,
        person.liefereinheit,
        person.stichtag,
        platz.raum_id,
        platz.gebietsstand,
        {{ key_of(['person.delivery_id', 'person.person_id']) }} as person,
        {{ key_of(['person.delivery_id', 'person.ehegatte_id']) }} as ehegatte,
        {{ key_of(['person.delivery_id', 'person.mutter_id']) }} as mutter,
        {{ key_of(['person.delivery_id', 'person.vater_id']) }} as vater,
        {{ key_of([
            'person.kommune_id', 'coalesce(person.strassenschluessel, person.strasse)',
            'person.hausnummer', "coalesce(person.hausnummer_zusatz, '')"
        ]) }} as adresse,
        {{ jahre_am('person.stichtag', 'person.geburtsmonat') }} as jahre,
        {{ monate_am('person.stichtag', 'person.geburtsmonat') }} <= grenze.grenze_monate
            as unter_altersgrenze,
        coalesce(
            10000 * extract(year from person.einzug_wohnung)
            + 100 * extract(month from person.einzug_wohnung)
            + extract(day from person.einzug_wohnung)
            <= 10000 * (extract(year from person.stichtag) - 10)
            + 100 * extract(month from person.stichtag) + extract(day from person.stichtag),
            false
        ) as zehn_jahre_hier,
        case
            when person.geschlecht in ('maennlich', 'weiblich') then person.geschlecht
            when substr(person.person_id, -1) in ('0', '2', '4', '6', '8', 'a', 'c', 'e')
                then 'maennlich'
            else 'weiblich'
        end as geschlecht,
        case
            when person.staat1 = '000' or person.staat2 = '000' then 'deutsch'
            else 'auslaendisch'
        end as staatsangehoerigkeit,
        coalesce(
            (person.staat1 <> '000' and coalesce(person.staat2, '') <> '000')
            or person.staat2 <> person.staat1
            or person.art_deutsche_sta in ('einbuergerung', 'aussiedler', 'option')
            or person.geburtsland <> '000',
            false
        ) as eigener_hintergrund,
        person.familienstand = 'ledig' as ledig
    from {{ ref('stg_ewo__bestand') }} as person
    {{ join_placement('person', 'ewo_bestand') }}
    {{ join_altersgrenze('cast(substr(person.geburtsmonat, 1, 4) as integer)') }}
    where person.wohnungsstatus in ('alleinige', 'haupt')
),

-- The few columns that pointers are followed with.
pointed as (
    select person, ehegatte, adresse, eigener_hintergrund from persons
),

young as (
    select
        child.person,
        coalesce(mutter.eigener_hintergrund, false) or coalesce(vater.eigener_hintergrund, false)
            as hintergrund_der_eltern,
        case when mutter.adresse = child.adresse then mutter.person end as mutter_hier,
        case when vater.adresse = child.adresse then vater.person end as vater_hier
    from (
        select person, mutter, vater, adresse from persons where jahre < 27 and ledig
    ) as child
    left join pointed as mutter on mutter.person = child.mutter
    left join pointed as vater on vater.person = child.vater
    where mutter.person is not null or vater.person is not null
),

parents as (
    select distinct coalesce(mutter_hier, vater_hier) as person
    from young
    where mutter_hier is not null or vater_hier is not null
),

children as (
    select young.person, coalesce(young.mutter_hier, young.vater_hier) as elternteil
    from young
    left join parents on parents.person = young.person
    where parents.person is null
        and (young.mutter_hier is not null or young.vater_hier is not null)
),

couples as (
    select person.person, least(person.person, spouse.person) as haushalt
    from pointed as person
    inner join pointed as spouse
        on spouse.person = person.ehegatte and spouse.adresse = person.adresse
),

partners as (
    select young.vater_hier as person, min(young.mutter_hier) as mutter
    from young
    left join couples as father on father.person = young.vater_hier
    left join couples as mother on mother.person = young.mutter_hier
    where young.mutter_hier is not null and young.vater_hier is not null
        and father.person is null and mother.person is null
    group by young.vater_hier
),

-- Who lives in another one's household than the own: as a spouse or as a parent of common children.
heads as (
    select person, haushalt from couples
    union all
    select person, mutter from partners
)

select
    person.delivery_id,
    person.liefereinheit,
    person.stichtag,
    person.raum_id,
    person.gebietsstand,
    person.jahre,
    person.unter_altersgrenze,
    person.geschlecht,
    person.staatsangehoerigkeit,
    person.zehn_jahre_hier,
    person.eigener_hintergrund
        or (person.jahre < 18 and coalesce(young.hintergrund_der_eltern, false))
        as migrationshintergrund,
    coalesce(of_parent.haushalt, children.elternteil, own.haushalt, person.person) as haushalt,
    children.person is not null as ist_kind
from persons as person
left join heads as own on own.person = person.person
left join young on young.person = person.person
left join children on children.person = person.person
left join heads as of_parent on of_parent.person = children.elternteil
