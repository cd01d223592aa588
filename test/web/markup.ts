/** The effect of a payload that runs: it leaves a mark on the page that shows it. */
export const markPage = "document.documentElement.dataset.pwned = 1";

/** Texts that become more than text in a page that is careless with them. */
export const markup: readonly string[] = `
<script>MARK</script>
<ScRiPt >MARK</sCrIpT>
<<script>MARK;//<</script>
</textarea><script>MARK</script>
<img src=x onerror="MARK">
<img src=x onerror=MARK//
<svg onload="MARK">
<svg><script>MARK</script>
<svg><animate onbegin="MARK" attributeName=x dur=1s>
<body onpageshow="MARK">
<input autofocus onfocus="MARK">
<details open ontoggle="MARK">
<video><source onerror="MARK"></video>
<audio src=x onerror="MARK">
<iframe srcdoc="<script>parent.MARK</script>"></iframe>
<iframe src="javascript:parent.MARK"></iframe>
<object data="javascript:MARK">
<embed src="javascript:MARK">
<a href="javascript:MARK" id=x>x</a>
<form action="javascript:MARK"><button>x</button></form>
<isindex formaction="javascript:MARK" type=submit>
<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=x onerror=MARK&gt;">
<noscript><p title="</noscript><img src=x onerror=MARK>">
<template><script>MARK</script></template>
<link rel=stylesheet href="/page.css?x">
<meta http-equiv=refresh content="0;url=/evil">
<base href="//evil.example/">
<style>#log{display:none}</style>
<div style="position:fixed;inset:0">
<b id="log"><i name="text">
<!--
]]>
&lt;script&gt;
\u202e<script>
%3Cscript%3E
\\u003cscript\\u003e
{{constructor.constructor('x')()}}
\${7*7}
onload=MARK
javascript:MARK`
  .replaceAll("MARK", markPage)
  .split("\n")
  .slice(1);

/** Names that are allowed, and mean something to a script or an address that is careless with them. */
export const namesOfProperties: readonly string[] = [
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "javascript:alert~1",
  "data:text.html",
  "~",
  "...",
  "@",
];
