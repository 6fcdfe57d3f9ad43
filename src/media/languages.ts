/** ISO 639-1 codes with the ISO 639-2 codes (terminological) that containers want. */
const threeLetters = new Map(
  `af afr,am amh,ar ara,as asm,az aze,be bel,bg bul,bn ben,bo bod,br bre,bs bos,ca cat,co cos,cs ces,cy cym,da dan,de deu,
  dv div,dz dzo,el ell,en eng,eo epo,es spa,et est,eu eus,fa fas,fi fin,fj fij,fo fao,fr fra,fy fry,ga gle,gd gla,gl glg,
  gu guj,ha hau,he heb,hi hin,hr hrv,ht hat,hu hun,hy hye,id ind,ig ibo,is isl,it ita,iw heb,ja jpn,jv jav,ka kat,kk kaz,
  km khm,kn kan,ko kor,ku kur,ky kir,la lat,lb ltz,lo lao,lt lit,lv lav,mg mlg,mi mri,mk mkd,ml mal,mn mon,mr mar,ms msa,
  mt mlt,my mya,nb nob,ne nep,nl nld,nn nno,no nor,oc oci,or ori,pa pan,pl pol,ps pus,pt por,qu que,rm roh,ro ron,ru rus,
  rw kin,sa san,sd snd,se sme,si sin,sk slk,sl slv,sm smo,sn sna,so som,sq sqi,sr srp,su sun,sv swe,sw swa,ta tam,te tel,
  tg tgk,th tha,tk tuk,tl tgl,tn tsn,to ton,tr tur,ts tso,tt tat,ug uig,uk ukr,ur urd,uz uzb,vi vie,wo wol,xh xho,yi yid,
  yo yor,zh zho,zu zul`
    .split(',')
    .map(pair => pair.trim().split(' ') as [string, string]),
)

/** The ISO 639-2 code of a language tag (BCP 47: `pt-BR`, `en`, `deu`); undefined when its language is not known. */
export function iso639(tag: string): string | undefined {
  const language = tag.split(/[-_]/)[0]!.toLowerCase()
  return /^[a-z]{3}$/.test(language) ? language : threeLetters.get(language)
}
