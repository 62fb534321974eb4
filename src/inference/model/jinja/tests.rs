//! Mini templates against what jinja2 3.1 makes of them, with the settings and additions of
//! the `transformers` library.

use crate::model::chat::render;

/// Templates and what Python makes of them with these three messages, thinking on and the
/// answer opened.
const CASES: &[(&str, &str)] = &[
    (
        "{% set ns = namespace(last=-1, seen=false) %}{% for m in messages[::-1] %}{% set i = messages|length - 1 - loop.index0 %}{% if m.role == 'user' and not ns.seen %}{% set ns.last = i %}{% set ns.seen = true %}{% endif %}{% endfor %}{{ ns.last }} {{ ns.seen }}",
        "1 True",
    ),
    (
        "{% for m in messages %}{{ loop.previtem.role if loop.previtem is defined else '-' }}>{{ m.role }}>{{ loop.nextitem.role if not loop.last else '-' }};{% endfor %}",
        "->system>user;system>user>assistant;user>assistant>-;",
    ),
    (
        "{% for m in messages %}{% if loop.previtem and loop.previtem.role == 'user' %}after{% endif %}{% if not loop.nextitem %}end{% endif %}{% endfor %}",
        "afterend",
    ),
    (
        "{% for v in ['a', 1, 1.5, true, none, [1], {'k': 1}, messages] %}{{ v is string }} {{ v is mapping }} {{ v is iterable }} {{ v is sequence }} {{ v is none }} {{ v is boolean }} {{ v is true }} {{ v is false }};{% endfor %}",
        "True False True True False False False False;False False False False False False False False;False False False False False False False False;False False False False False True True False;False False False False True False False False;False False True True False False False False;False True True True False False False False;False False True True False False False False;",
    ),
    (
        "{{ nothing is undefined }} {{ nothing is defined }} {{ nothing is iterable }} {{ nothing is sequence }} {{ nothing is none }} {{ nothing is string }} {{ tools is none }} {{ tools is iterable }}",
        "True False True True False False True False",
    ),
    (
        "{% if tools is iterable and tools|length > 0 %}tools{% else %}none{% endif %}",
        "none",
    ),
    (
        "{% for v in ['', 'x', 0, 1, 0.0, [], [0], {}, {'a': 1}, none, false, nothing] %}{{ 'T' if v else 'F' }}{% endfor %}",
        "FTFTFFTFTFFF",
    ),
    (
        "[{{ messages[0].content|trim }}] [{{ '  a '|trim }}] [{{ 'xxaxx'|trim('x') }}] [{{ '\u{1c} a \u{1f}'|trim }}] [{{ nothing|trim }}]",
        "[s] [a] [a] [a] []",
    ),
    (
        "{{ true }} {{ false }} {{ none }} {{ true|string + '!' }} {{ 1.0 }} {{ 3|string }} {{ none|string }} {{ nothing }}",
        "True False None True! 1.0 3 None ",
    ),
    (
        "{% set c = messages[1].content %}{{ c.split('</think>')[-1].lstrip('\\n') }}|{{ c.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') }}|{{ c.startswith('<think>') }}|{{ c.endswith('  ') }}|{{ '</think>' in c }}|{{ '<x>' not in c }}",
        "yes  |hm|True|True|True|True",
    ),
    (
        "[{{ '\\n a \\n'.strip() }}] [{{ '\u{1f} a '.lstrip() }}] [{{ ' a\u{1c}'.rstrip() }}] [{{ 'xyaxy'.strip('yx') }}] [{{ 'xa'.lstrip('x') }}] [{{ 'ax'.rstrip('x') }}]",
        "[a] [a ] [ a] [a] [a] [a]",
    ),
    (
        "{{ 'a b  c'.split()|join('/') }} {{ 'a,b,c'.split(',', 1)|length }} {{ 'Abc'.upper() }} {{ 'ABC'.lower() }} {{ 'ab'.title() }} {{ 'aXbX'.replace('X', '-') }}",
        "a/b/c 2 ABC abc Ab a-b-",
    ),
    (
        "{{ messages[1:]|length }} {{ messages[:1][0].role }} {{ messages[-1].role }} {{ 'abcdef'[1:3] }} {{ 'abc'[::-1] }} {{ [1,2,3][::-1]|join(',') }} {{ messages[::-1][0].role }}",
        "2 system assistant bc cba 3,2,1 assistant",
    ),
    (
        "{% macro show(text, mark='*', n=2) %}{{ mark ~ n }}{{ text }}{{ mark }}{% endmacro %}{{ show('a') }} {{ show('b', '-') }} {{ show('c', n=1) }}",
        "*2a* -2b- *1c*",
    ),
    (
        "{{ 'a' ~ 1 ~ 'b' }} {{ 'a' + 'b' }} {{ 1 + 2 }} {{ 7 // 2 }} {{ 7 % 4 }} {{ 'x' ~ 1.5 }}",
        "a1b ab 3 3 3 x1.5",
    ),
    (
        "{{ {'b': 1, 'a': [1, 'ü<&>', none, true, 1.5]}|tojson }} {{ []|tojson }} {{ {}|tojson }} {{ 'q\"\\n'|tojson }}",
        "{\"b\": 1, \"a\": [1, \"ü<&>\", null, true, 1.5]} [] {} \"q\\\"\\n\"",
    ),
    (
        "{{ {'b': 1, 'a': [1, {}, []]}|tojson(indent=4) }}",
        "{\n    \"b\": 1,\n    \"a\": [\n        1,\n        {},\n        []\n    ]\n}",
    ),
    (
        "{{ {'b': 1, 'a': 'ü🎉'}|tojson(ensure_ascii=True, sort_keys=True, separators=(',', ':')) }}",
        "{\"a\":\"\\u00fc\\ud83c\\udf89\",\"b\":1}",
    ),
    (
        "{{ [1.0, 0.1, 1e16, 1e15, 0.0001, 0.00001, -2.5e-7, 123456789.125, 1e22]|tojson }}",
        "[1.0, 0.1, 1e+16, 1000000000000000.0, 0.0001, 1e-05, -2.5e-07, 123456789.125, 1e+22]",
    ),
    (
        "{% for k, v in {'b': 1, 'a': 2}.items() %}{{ k }}={{ v }};{% endfor %}{% for k, v in {'b': 1}|items %}{{ k }}{{ v }}{% endfor %} {{ {'a': 1}.get('a') }} {{ {'a': 1}.get('b') }} {{ {'a': 1}.get('b', 3) }} {{ messages[0].get('tool_calls') is none }}",
        "b=1;a=2;b1 1 None 3 True",
    ),
    (
        "{% for m in messages %}{% generation %}\n{{ m.role }}{% endgeneration %}\n{%- generation -%} x {%- endgeneration -%};{% endfor %}",
        "systemx;userx;assistantx;",
    ),
    (
        "{% for m in messages %}\n    {% if m.role == 'user' %}\n        {% continue %}\n    {% endif %}\n{{ m.role }}\n{% endfor %}\n",
        "system\nassistant\n",
    ),
    (
        "{% set a %}x{{ 1 }}y{% endset %}{{ a }}{{ a|length }} {{ 'ab'|upper }} {{ messages|map(attribute='role')|join(',') }} {{ messages|selectattr('role', 'equalto', 'user')|list|length }} {{ [3,1,2]|sort|first }} {{ nothing|default('d') }} {{ ''|default('d', true) }}",
        "x1y3 AB system,user,assistant 1 1 d d",
    ),
    (
        "{{ messages[0].nothing is defined }} {{ messages[0]['nothing'] is undefined }} {{ messages[0].reasoning_content is string }} {{ (messages[0].x or 'y') }} {{ 'safe<'|safe }} {{ 'a' if false }}|",
        "False True False y safe< |",
    ),
    (
        "line one\r\n{% if true %}\r\ntwo\r\n{% endif %}\r\n",
        "line one\ntwo\n",
    ),
    (
        "{% if enable_thinking is defined and enable_thinking is true %}T{% elif enable_thinking is false %}F{% endif %}{{ add_generation_prompt }}",
        "TTrue",
    ),
    (
        "{{ strftime_now('%d %b %Y') }} {{ strftime_now('%Y-%m-%d') }} {{ strftime_now('%B %d, %Y') }} {{ strftime_now('%A %H:%M:%S') }}",
        "26 Jul 2024 2024-07-26 July 26, 2024 Friday 00:00:00",
    ),
    ("{{ '%s-%d' % ('a', 3) }}", "a-3"),
    ("{{ '%05.2f|%x' % (1.5, 255) }}", "01.50|ff"),
    ("{{ '%s' % x }}", "6"),
    (
        "{{ 7 % 3 + 1 }} {{ -7 % 3 }} {{ 2 * 7 % 4 }} {{ 10 % 4 % 3 }}",
        "2 2 2 2",
    ),
    (
        "{{ 'a b c'.rsplit(' ', 1) }} {{ ' a  b '.split() }} {{ 'a,b,c'.split(',', maxsplit=1) }} {{ ' a b  c '.rsplit(None, 1) }} {{ ' a b  c '.split(None, 1) }}",
        "['a b', 'c'] ['a', 'b'] ['a', 'b,c'] [' a b', 'c'] ['a', 'b  c ']",
    ),
    (
        "{{ 'foobar'.removeprefix('foo') }} {{ 'foobar'.removesuffix('bar') }} {{ 'a-b-c'.partition('-') }} {{ 'a-b-c'.rpartition('-') }} {{ 'abc'.partition('x') }}",
        "bar foo ('a', '-', 'b-c') ('a-b', '-', 'c') ('abc', '', '')",
    ),
    (
        "{% set j = joiner(', ') %}{% for i in [1,2,3] %}{{ j() }}{{ i }}{% endfor %}",
        "1, 2, 3",
    ),
    (
        "{{ 'abcdef'[::2] }} {{ [1,2,3,4][::-2] }} {{ 'abc'[-2:] }}",
        "ace [4, 2] bc",
    ),
    (
        "{{ 'x'.ljust(4,'.') }}|{{ 'x'.center(4) }}|{{ 'ab'.center(5,'*') }}|{{ '-5'.zfill(4) }}|{{ 'x'.rjust(3) }}",
        "x...| x  |**ab*|-005|  x",
    ),
    (
        "{{ 'aBc'.swapcase() }} {{ 'hello'.index('l') }} {{ [1,2,3].index(2) }}",
        "AbC 2 1",
    ),
    ("{% generation %}x{{ 1 }}{% endgeneration %}y", "x1y"),
    ("{%- generation -%} x {%- endgeneration -%} y", "xy"),
    (
        "{{ ('<b>'|safe) + '<i>' }} {{ '<i>' + '<b>'|safe }} {{ '<b>'|safe ~ '<i>' }}",
        "<b>&lt;i&gt; &lt;i&gt;<b> <b><i>",
    ),
    (
        "{{ 'a' if x % 2 == 0 else 'b' }} {{ (x % 2)|string + '!' }} {% if x % 3 == 0 and 1 %}t{% endif %} {{ [5 % 3, {'k': 9 % 5}] }}",
        "a 0! t [2, {'k': 4}]",
    ),
    (
        "{{ \"100%\" }} {{ '%' }} {# 5 % 3 #}{% raw %}{{ 1 % 2 }}{% endraw %} %}",
        "100% % {{ 1 % 2 }} %}",
    ),
    (
        "{{ '%s %s' % ('a', 'b') ~ 'c' }} {{ 'z' ~ '%s' % 1 }} {{ '%(k)s' % {'k': 1} }}",
        "a bc z1 1",
    ),
    (
        "{{ x.items if x is mapping else 'no' }} {{ {'a':1}.copy() }} {{ 'Ab'.istitle() }} {{ 'a'.isidentifier() }} {{ '12'.isdecimal() }}",
        "no {'a': 1} True True True",
    ),
    (
        "{% for m in [1,2,3] %}{% if m == 2 %}{% continue %}{% endif %}{{ m }}{% endfor %}{% for m in [1,2] %}{% break %}{% endfor %}",
        "13",
    ),
    (
        "{{ namespace(a=1).a }} {% set ns = namespace() %}{% set ns.x = 5 %}{{ ns.x }} {% macro m(a, b=2) %}{{ a }}{{ b }}{{ caller is defined }}{% endmacro %}{{ m(1) }} {% call m(1) %}z{% endcall %} {% set y %}block{% endset %}{{ y }} {% filter upper %}abc{% endfilter %} {% with q=1 %}{{ q }}{% endwith %}",
        "1 5 12False 12True block ABC 1",
    ),
    (
        "{{ 1 == 1.0 }} {{ 'a' < 'b' }} {{ 2 ** 3 }} {{ 7 // 2 }} {{ 7 / 2 }} {{ 'a' * 3 }} {{ [1] + [2] }} {{ not false }} {{ 1 in [1] }} {{ 'k' in {'k':1} }} {{ (1,2) }} {{ {'a': none} }} {{ true and 'x' }} {{ '' or 'y' }} {{ 1 if false }} {{ 1.0 }} {{ 1e20 }} {{ 100000000000000000000 }}",
        "True True 8 3 3.5 aaa [1, 2] True True True (1, 2) {'a': None} x y  1.0 1e+20 100000000000000000000",
    ),
    (
        "{{ loop is defined }} {% for i in range(3) %}{{ loop.index }}{{ loop.revindex }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.depth }}{{ loop.cycle('a','b') }}{{ loop.changed(i) }}{% else %}none{% endfor %} {% for k, v in {'a':1}.items() %}{{ k }}{{ v }}{% endfor %}{% for i in [1,2,3] if i > 1 %}{{ i }}{{ loop.index }}{% endfor %} {% for i in [[1,[2]]] recursive %}{{ i[0] }}{% endfor %}",
        "False 13TrueFalse31aTrue22FalseFalse31bTrue31FalseTrue31aTrue a12132 1",
    ),
];

#[test]
fn templates_say_what_they_say_in_python() {
    let variables = serde_json::json!({
        "messages": [
            { "role": "system", "content": " s " },
            { "role": "user", "content": "<think>\nhm\n</think>\n\nyes  " },
            { "role": "assistant", "content": "" },
        ],
        "tools": null,
        "enable_thinking": true,
        "add_generation_prompt": true,
        "x": 6,
    });
    let mut wrong = Vec::new();
    for (source, wanted) in CASES {
        match render(source, &variables) {
            Ok(text) if text == *wanted => {}
            Ok(text) => wrong.push(format!("{source}\n  wanted {wanted:?}\n  found  {text:?}")),
            Err(failure) => wrong.push(format!("{source}\n  {failure}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn words_that_only_begin_like_a_tag_are_left_alone() {
    let source =
        "{% set generation_x = 1 %}{% set generation = 2 %}{{ generation }}{{ generation_x }}";
    assert_eq!(super::prepared(source), source);
    assert_eq!(super::prepared("{%- generation +%}"), "{%- if true +%}");
    assert_eq!(super::prepared("a {% generation"), "a {% generation");
}
