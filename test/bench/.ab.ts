import { openStage } from '/work/main/test/bench/stage.ts';
import { underLoad, interleave } from '/work/main/test/bench/measure.ts';
import { leaveServerCore } from '/work/main/test/bench/cpu.ts';
import { execFileSync } from 'node:child_process';
leaveServerCore();
const stage = await openStage({ rounds: Number(process.env.R ?? 8), interrupted: new AbortController().signal, progress: () => {} });
try {
const peer = { REDIS_URL: stage.redisUrl };
const servers = [await stage.startPeer('bare','session-bare.ts',peer)];
for (const [i, main] of [process.env.OLD, stage.main, ...(process.env.MORE?.split(',') ?? [])].entries()) { const s = await stage.start('v'+i, main, stage.service); for(;;){ const r=await fetch(`http://127.0.0.1:${s.port}/session`); if(r.status===200)break; } servers.push(s); }
const r = await interleave(stage, servers.map((s)=>underLoad(stage,s,{method:'GET',paths:['/session'],status:200,cookies:true})),4);
for (const [n,v] of Object.entries(r)) console.log(n, Math.min(...v).toFixed(1), ' | ', v.map(x=>x.toFixed(1)).join(' '));
} finally { await stage.end(); }
