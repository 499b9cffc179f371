// As Lambda calls a function: imports the bundle and hands it one event. Usage: node test/infra/support/invoke.mjs BUNDLE EVENT
const [bundle, event] = process.argv.slice(2);
const { handler } = await import(bundle);
await handler(JSON.parse(event));
