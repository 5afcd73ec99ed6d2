// The page at /docs in a real browser: node page.mjs PACKAGES URL SCREENSHOT, tells what it saw as JSON.
import { createRequire } from 'node:module';

const [packages, url, screenshot] = process.argv.slice(2);
const { chromium } = createRequire(packages + '/')('playwright-core');

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
	'--disable-background-networking', '--disable-component-update', '--disable-sync'];
const OPERATION = '#operations-timers-timers_create';

const seen = { complaints: [], elsewhere: [], operations: [], status: '' };

function listen(page) {
	page.on('console', message => {
		if (['error', 'warning'].includes(message.type()))
			seen.complaints.push(message.text());
	});
	page.on('pageerror', error => seen.complaints.push(String(error)));
	page.on('requestfailed', request => seen.complaints.push('failed: ' + request.url()));
	page.on('request', request => {
		if (!request.url().startsWith(url) && !request.url().startsWith('data:'))
			seen.elsewhere.push(request.url());
	});
}

async function readOperations(page) {
	await page.goto(url + '/docs');
	await page.locator(OPERATION).waitFor();
	seen.operations = await page.locator('.opblock').evaluateAll(blocks => blocks.map(block =>
		block.querySelector('.opblock-summary-method').textContent + ' ' +
		block.querySelector('.opblock-summary-path').dataset.path));
}

async function tryOut(page) {
	const operation = page.locator(OPERATION);
	await operation.locator('.opblock-summary').click();
	await operation.locator('.try-out__btn').click();
	await operation.locator('.execute').click();
	const status = operation.locator('.live-responses-table .response-col_status').last();
	await status.waitFor();
	seen.status = (await status.textContent()).trim().slice(0, 3);
	await operation.scrollIntoViewIfNeeded();
	await page.screenshot({ path: screenshot });
}

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: FLAGS });
try {
	const page = await browser.newPage({ viewport: { width: 1280, height: 1600 } });
	page.setDefaultTimeout(30000);
	listen(page);
	await readOperations(page);
	await page.screenshot({ path: screenshot.replace('.png', '-list.png') });
	await tryOut(page);
} finally {
	await browser.close();
}
console.log(JSON.stringify(seen));
